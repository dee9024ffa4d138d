#!lua flags=allow-oom
-- Takes the lease of a connection, or renews one's own.
--
-- KEYS  lease.
-- ARGV  holder, registered name of the server ("": none), time that it runs, the highest number that this holder was
--       given so far.
-- Answers {1, number}, or {0, time that the lease of another holder still runs}. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/lease.lua

local lease = take_keys(1)
local holder, registered, time, last = take(4)
local lease_number, found_holder = parse_lease(call('GET', lease))
if lease_number and is_note(found_holder) then lease_number = nil end
if lease_number and found_holder ~= holder then
  local left = call('PTTL', lease)
  -- Every lease runs out. Another program took the end of this one away; its holder, if there is one, renews it.
  if left == -1 then
    left = tonumber(time)
    call('PEXPIREAT', lease, int(now + left))
  end
  return {0, left}
end
lease_number = lease_number or int(math.max(now_us, last + 1))
call('SET', lease, lease_value(lease_number, holder, registered), 'PX', int(time))
return {1, lease_number}
