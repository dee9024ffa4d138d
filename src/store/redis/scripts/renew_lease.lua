#!lua flags=allow-oom
-- Renews a lease that is still ours.
--
-- KEYS  lease.
-- ARGV  how its value begins, time that it runs, ttl.
-- Answers 0 (lost), 1, or the registered name of the server, whose index of owners has to be renewed too: once in a
--       quarter of a ttl. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/lease.lua

local lease = take_keys(1)
local start, time, ttl = take(3)
local quarter = ttl / 4
time = tonumber(time)
local value = call('GET', lease)
if not value or string.sub(value, 1, #start) ~= start then return 0 end
local renewed = now + call('PTTL', lease) - time
call('PEXPIREAT', lease, int(now + time))
local _, _, registered = parse_lease(value)
if registered ~= '' and math.floor(now / quarter) ~= math.floor(renewed / quarter) then return registered end
return 1
