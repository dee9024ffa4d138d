#!lua flags=no-writes
-- Finds connections whose lease has run out in one part of the index of managed connections, those that have waited
-- longest first; then those whose lease would run longer than any does: another program wrote their time.
--
-- KEYS  managed (ZSET by when a lease runs out).
-- ARGV  how many to pass over, how many to answer at most.
-- Answers {number of managed connections, connection, …}.

-- include: parts/arguments.lua
-- include: parts/clock.lua

local managed, passed, limit = take_keys(1), take(2)
local answer = call('ZRANGE', managed, '-inf', int(now), 'BYSCORE', 'LIMIT', passed, limit)
local room = tonumber(limit) - #answer
if room > 0 then
  local too_late = call('ZRANGE', managed, int(now + 2 * 86400000), '+inf', 'BYSCORE', 'LIMIT', '0', room)
  for _, member in ipairs(too_late) do answer[#answer + 1] = member end
end
table.insert(answer, 1, call('ZCARD', managed))
return answer
