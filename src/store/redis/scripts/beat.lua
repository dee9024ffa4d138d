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

local instances = take_keys(1)
local ttl, name, time, managed, reach, address = take(6)
ttl, time = tonumber(ttl), tonumber(time)
if time > 0 then
  call('HSET', instances, name, int(now + time) .. ' ' .. managed .. ' ' .. reach .. ' ' .. address)
else
  call('HDEL', instances, name)
end
keep_index(instances, math.max(ttl, time))
local all, answer = call('HGETALL', instances), {}
for i = 1, #all, 2 do
  local ends, its_managed, its_reach, its_address = string.match(all[i + 1], '^(%d+) (%d+) (%S*) (.*)$')
  if ends and tonumber(ends) > now then
    for _, item in ipairs({all[i], its_managed, its_reach, its_address}) do answer[#answer + 1] = item end
  else
    call('HDEL', instances, all[i])
  end
end
return answer
