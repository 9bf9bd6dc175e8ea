//! What happens on the server. Each script reads the server's clock once; what it writes is
//! replicated as plain commands.
//!
//! Times of values under owners are whole microseconds since 1970, which a double holds until
//! the year 2255. Where a script may be refused for lack of memory, what needs memory comes
//! first, so that a refusal changes nothing.

use std::sync::LazyLock;

/// A script, and the name under which a server keeps it.
#[derive(Debug)]
pub(super) struct Script {
    text: &'static str,
    hash: LazyLock<String>,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        $(
            $(#[$doc])*
            pub(super) static $name: Script = Script {
                text: $text,
                hash: LazyLock::new(|| redis::Script::new($text).get_hash().to_owned()),
            };
        )+

        /// All of them.
        pub(super) static ALL: &[&Script] = &[$(&$name),+];
    };
}

impl Script {
    pub(super) fn text(&self) -> &'static str {
        self.text
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }
}

scripts! {
    /// Keys: the quotas, each once. Argument: for each charge whether it is the last of its
    /// batch (a byte), the place of its quota (two), what it needs and what the quota holds
    /// (doubles, in nanoseconds). Answer: the backlog before each charge (doubles).
    ///
    /// Mirrors `store::gcra`. An arrival in nanoseconds does not fit a double, so it is kept as
    /// microseconds and the rest, and beside it the microsecond until which the key lives for
    /// sure: while the arrival stays before that, it is written in place, which costs a third
    /// of setting the key and its expiry anew.
    CHARGE = r"
local call, unpack_, floor = redis.call, struct.unpack, math.floor
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival, rest, life, changed = call('MGET', unpack(KEYS)), {}, {}, {}
for k = 1, #KEYS do
  local state = arrival[k]
  if state then
    if #state ~= 24 then return {err = 'CORRUPT a quota is not what was put in'} end
    arrival[k], rest[k], life[k] = unpack_('<ddd', state)
  else
    arrival[k], rest[k], life[k] = 0, 0, 0
  end
end
local charges, at, size = ARGV[1], 1, #ARGV[1]
local backlogs, count = {}, 0
while at <= size do
  local quotas, charged, n, fits = {}, {}, 0, true
  repeat
    local last, k, need, capacity
    last, k, need, capacity, at = unpack_('<BHdd', charges, at)
    local backlog = (arrival[k] - now) * 1000 + rest[k]
    if backlog < 0 then backlog = 0 elseif backlog > capacity then backlog = capacity end
    count = count + 1
    backlogs[count] = backlog
    if need > 0 then
      n = n + 1
      quotas[n], charged[n] = k, backlog + need
      if backlog + need > capacity then fits = false end
    end
  until last == 1
  if fits then
    for i = 1, n do
      local k, ahead = quotas[i], floor(charged[i] / 1000)
      arrival[k], rest[k], changed[k] = now + ahead, charged[i] - ahead * 1000, true
    end
  end
end
for k = 1, #KEYS do
  if changed[k] then
    if arrival[k] < life[k] then
      call('SETRANGE', KEYS[k], 0, struct.pack('<dd', arrival[k], rest[k]))
    else
      local ahead = arrival[k] - now
      call('SET', KEYS[k], struct.pack('<ddd', arrival[k], rest[k], arrival[k] + ahead),
        'PX', floor(ahead / 500) + 1)
    end
  end
end
return struct.pack('<' .. string.rep('d', count), unpack(backlogs))
";

    /// Key: a quota. Argument: nanoseconds to give back.
    REFUND = r"
local state = redis.call('GET', KEYS[1])
if not state or #state ~= 24 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival, rest = struct.unpack('<dd', state)
local backlog = (arrival - now) * 1000 + rest - tonumber(ARGV[1])
if backlog <= 0 then return redis.call('DEL', KEYS[1]) end
local ahead = math.floor(backlog / 1000)
redis.call('SETRANGE', KEYS[1], 0, struct.pack('<dd', now + ahead, backlog - ahead * 1000))
return 1
";

    /// Key: a counter. Arguments: how many more, milliseconds of a new window. Answer: the
    /// count, milliseconds left.
    INCREMENT = r"
local by, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local found = redis.call('GET', KEYS[1])
if not found then
  if by == 0 then return {0, 0} end
  if window > 0 then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
  return {by, window}
end
local count = tonumber(found)
if not count then return {err = 'CORRUPT a counter is not a number'} end
if by > 0 then
  count = math.min(count + by, 9007199254740991)
  redis.call('SET', KEYS[1], string.format('%.0f', count), 'KEEPTTL')
end
return {count, redis.call('PTTL', KEYS[1])}
";

    /// Key: a value. Arguments: whether a value is expected, which, the new one, milliseconds
    /// to live. Answer: 1, or what there is.
    SWAP = r"
local found = redis.call('GET', KEYS[1])
if (ARGV[1] == '1' and found == ARGV[2]) or (ARGV[1] == '0' and not found) then
  if ARGV[4] == '0' then
    redis.call('DEL', KEYS[1])
  else
    redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  end
  return 1
end
return found
";

    /// Keys: expiries and values of an owner. Argument: an id. Answer: the value.
    OWNED_GET = r"
local expiry = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not expiry then return false end
local time = redis.call('TIME')
if tonumber(expiry) <= time[1] * 1000000 + time[2] then return false end
return redis.call('HGET', KEYS[2], ARGV[1])
";

    /// Keys: expiries and values of an owner. Argument: an id. Answer: the value it had.
    OWNED_TAKE = r"
local expiry = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not expiry then return false end
local time = redis.call('TIME')
local found = false
if tonumber(expiry) > time[1] * 1000000 + time[2] then
  found = redis.call('HGET', KEYS[2], ARGV[1])
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return found
";

    /// Keys: expiries and values of an owner. Arguments: an id, the expected value, the new
    /// one, microseconds to live. Answer: 1, or what there is.
    OWNED_SWAP = r"
local expiries, values, id = KEYS[1], KEYS[2], ARGV[1]
local expiry = redis.call('ZSCORE', expiries, id)
if not expiry then return false end
local time = redis.call('TIME')
local now, ttl = time[1] * 1000000 + time[2], tonumber(ARGV[4])
if tonumber(expiry) <= now then return false end
local found = redis.call('HGET', values, id)
if found ~= ARGV[2] then return found end
if ttl > 0 then
  redis.call('HSET', values, id, ARGV[3])
  redis.call('ZADD', expiries, string.format('%.0f', now + ttl), id)
else
  redis.call('HDEL', values, id)
  redis.call('ZREM', expiries, id)
end
local last = redis.call('ZRANGE', expiries, -1, -1, 'WITHSCORES')
if last[2] then
  local till = string.format('%.0f', math.ceil(last[2] / 1000))
  redis.call('PEXPIREAT', expiries, till)
  redis.call('PEXPIREAT', values, till)
end
return 1
";

    /// Keys: expiries and values of an owner. Arguments: an id, the value, microseconds to
    /// live, how many the owner may have, whether others go. Answer: the ids that went, or
    /// nothing when it was refused.
    OWNED_PUT = r"
local expiries, values, id = KEYS[1], KEYS[2], ARGV[1]
local ttl, max = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local moment = string.format('%.0f', now)
local gone = {}
local expiry = redis.call('ZSCORE', expiries, id)
if not expiry or tonumber(expiry) <= now then
  local over = redis.call('ZCOUNT', expiries, '(' .. moment, '+inf') + 1 - max
  if over > 0 then
    if ARGV[5] == '0' or max == 0 then return false end
    gone = redis.call('ZRANGEBYSCORE', expiries, '(' .. moment, '+inf', 'LIMIT', 0, over)
  end
end
if ttl > 0 then
  redis.call('HSET', values, id, ARGV[2])
  redis.call('ZADD', expiries, string.format('%.0f', now + ttl), id)
else
  redis.call('HDEL', values, id)
  redis.call('ZREM', expiries, id)
end
if #gone > 0 then
  redis.call('HDEL', values, unpack(gone))
  redis.call('ZREM', expiries, unpack(gone))
end
local dead = redis.call('ZRANGEBYSCORE', expiries, '-inf', moment)
if #dead > 0 then
  redis.call('HDEL', values, unpack(dead))
  redis.call('ZREM', expiries, unpack(dead))
end
local last = redis.call('ZRANGE', expiries, -1, -1, 'WITHSCORES')
if last[2] then
  local till = string.format('%.0f', math.ceil(last[2] / 1000))
  redis.call('PEXPIREAT', expiries, till)
  redis.call('PEXPIREAT', values, till)
end
return gone
";

    /// Keys: expiries and values of an owner. Answer: id, value and microseconds left of each.
    OWNED_LIST = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf',
  'WITHSCORES')
local answer = {}
for i = 1, #found, 2 do
  local value = redis.call('HGET', KEYS[2], found[i])
  if not value then return {err = 'CORRUPT an entry has no value'} end
  answer[#answer + 1] = found[i]
  answer[#answer + 1] = value
  answer[#answer + 1] = found[i + 1] - now
end
return answer
";

    /// Keys: expiries and values of an owner. Argument: the id to keep, if any. Answer: how
    /// many were deleted.
    OWNED_DELETE = r"
local time = redis.call('TIME')
local moment = string.format('%.0f', time[1] * 1000000 + time[2])
local deleted = redis.call('ZCOUNT', KEYS[1], '(' .. moment, '+inf')
local kept = ARGV[1] and redis.call('ZSCORE', KEYS[1], ARGV[1])
if not kept or tonumber(kept) <= tonumber(moment) then
  redis.call('DEL', KEYS[1], KEYS[2])
  return deleted
end
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if id ~= ARGV[1] then
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
  end
end
return deleted - 1
";
}
