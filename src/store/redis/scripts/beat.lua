#!lua flags=allow-oom
-- Takes the report of an instance and answers those of all that are there. A field of the hash is "UNTIL HELD REACH
-- ADDRESS".
--
-- KEYS  instances (HASH by name).
-- ARGV  ttl, name, time that the report holds (0: the instance leaves), number of connections it manages, reach,
--       address.
-- Answers {name, number of connections, reach, address, …}. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/index.lua

local instances, ttl, name, time = key(), number(), argument(), number()
if time > 0 then
  redis.call('HSET', instances, name, int(now + time) .. ' ' .. argument() .. ' ' .. argument() .. ' ' .. argument())
else
  redis.call('HDEL', instances, name)
end
keep_index(instances, math.max(ttl, time))
local all, answer = redis.call('HGETALL', instances), {}
for i = 1, #all, 2 do
  local ends, managed, reach, address = string.match(all[i + 1], '^(%d+) (%d+) (%S*) (.*)$')
  if ends and tonumber(ends) > now then
    for _, item in ipairs({all[i], managed, reach, address}) do answer[#answer + 1] = item end
  else
    redis.call('HDEL', instances, all[i])
  end
end
return answer
