#!lua flags=allow-oom
-- The end of a claim on a cluster, at the user: forgets the members whose records at the session are gone, and the claim
-- when there are no others.
--
-- KEYS  the intent (HASH by member: revision at the session, revision at the user), index of managed connections (ZSET).
-- ARGV  the claim as the index names it; per member: member, what the intent says about it.
-- Answers how many members are left.

-- include: parts/arguments.lua

local intent, managed = take_keys(2)
local entry = take(1)
call('ZCARD', managed)
while has_arguments() do
  local member, said = take(2)
  if call('HGET', intent, member) == said then call('HDEL', intent, member) end
end
local left = call('HLEN', intent)
if left == 0 then call('ZREM', managed, entry) end
return left
