#!lua flags=allow-oom
-- Renews a lease that is still ours. Where the index lies in the same slot it is noted there, and a lost one, too.
--
-- KEYS  lease; on a cluster: managed (ZSET by when a lease runs out).
-- ARGV  how its value begins, time that it runs, ttl; on a cluster: the connection ("user:42:github", encoded).
-- Answers 0 (lost), 1, or the registered name of the server, whose index of owners has to be renewed too: once in a
--       quarter of a ttl. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/index.lua
-- include: parts/lease.lua

local lease = take_keys(1)
local start, time, ttl = take(3)
local managed, name
if #KEYS > 1 then managed, name = take_keys(1), take(1) end
-- An index of a wrong type costs nobody a lease.
local function note(...)
  if not managed then return end
  local noted = redis.pcall('ZADD', managed, ...)
  if type(noted) == 'number' then keep_index(managed, tonumber(ttl)) end
end
local quarter = ttl / 4
time = tonumber(time)
local value = call('GET', lease)
if not value or string.sub(value, 1, #start) ~= start then
  note('XX', int(value and now + math.max(call('PTTL', lease), 0) or 0), name)
  return 0
end
local renewed = now + call('PTTL', lease) - time
call('PEXPIREAT', lease, int(now + time))
note(int(now + time), name)
local _, _, registered = parse_lease(value)
if registered ~= '' and math.floor(now / quarter) ~= math.floor(renewed / quarter) then return registered end
return 1
