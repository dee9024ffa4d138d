#!lua flags=allow-oom
-- Notes in one part of the index of managed connections which leases are held, wait for a holder, or are over.
--
-- KEYS  managed (ZSET by when a lease runs out).
-- ARGV  ttl, "held", "waits" or "over", time that the leases run; the connections ("user:42:github", encoded).
-- Answers nothing. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/index.lua

local managed = take_keys(1)
local ttl, state, time = take(3)
local score, words = state == 'held' and int(now + tonumber(time)) or '0', {}
while has_arguments() do
  if state ~= 'over' then words[#words + 1] = score end
  words[#words + 1] = take(1)
end
call(state == 'over' and 'ZREM' or 'ZADD', managed, unpack(words))
keep_index(managed, tonumber(ttl))
