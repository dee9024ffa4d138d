#!lua flags=allow-oom
-- Removes everything of an owner.
--
-- KEYS  connections, servers; per member: status, tools, connected_at, info, lease.
-- ARGV  the members.
-- Answers {"ok", number of records there were, member, …}: the members that somebody had a lease of; or, having written
--       nothing, {"members", member, …}: further members of the sets, whose keys have to be declared.

-- include: parts/arguments.lua
-- include: parts/members.lua

local sets = {take_keys(2)}
local members = {}
while has_arguments() do
  local keys = declare(take(1))
  keys.lease = take_keys(1)
  members[#members + 1] = keys
end
for _, set in ipairs(sets) do
  -- A set of a wrong type must not keep an owner from being cleared.
  local found = redis.pcall('SMEMBERS', set)
  for _, member in ipairs(found.err and {} or found) do keys_of(member) end
end
if #undeclared > 0 then return answer_members() end

local answer = {'ok', 0}
for _, keys in ipairs(members) do
  if call('EXISTS', keys.status, keys.info) > 0 then answer[2] = answer[2] + 1 end
  call('UNLINK', keys.status, keys.tools, keys.connected_at, keys.info)
  if call('UNLINK', keys.lease) == 1 then answer[#answer + 1] = keys.member end
end
call('UNLINK', sets[1], sets[2])
return answer
