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
-- A report that says the same is written again when half of its time is over.
local all, answer, silent = call('HGETALL', instances), {}, {}
local report = managed .. ' ' .. reach .. ' ' .. address
local fresh = false
for i = 1, #all, 2 do
  local ends, stored_report = string.match(all[i + 1], '^(%d+) (.*)$')
  local its_managed, its_reach, its_address = string.match(stored_report or '', '^(%d+) (%S*) (.*)$')
  local left = its_managed and tonumber(ends) - now or 0
  if all[i] == name then
    fresh = stored_report == report and left > time / 2 and left <= time
  elseif left > 0 then
    for _, item in ipairs({all[i], its_managed, its_reach, its_address}) do answer[#answer + 1] = item end
  else
    silent[#silent + 1] = all[i]
  end
end
if time > 0 then
  for _, item in ipairs({name, managed, reach, address}) do answer[#answer + 1] = item end
end
if fresh and #silent == 0 then return answer end

if time > 0 then
  call('HSET', instances, name, int(now + time) .. ' ' .. report)
else
  call('HDEL', instances, name)
end
for _, one in ipairs(silent) do call('HDEL', instances, one) end
keep_index(instances, math.max(ttl, time))
return answer
