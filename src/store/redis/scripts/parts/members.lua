-- The members whose keys the call declares. A script touches the keys of no other member. Where it needs those of
-- another one, it writes nothing and answers {"members", name, …}: the caller declares these too and calls again.
local fields = {'status', 'tools', 'connected_at', 'info'}
local declared, undeclared = {}, {}

-- Takes the keys of a member from KEYS.
local function declare(member)
  local keys = {member = member}
  for _, field in ipairs(fields) do keys[field] = key() end
  declared[member] = keys
  return keys
end

-- The keys of a member, or nothing where they are not declared.
local function keys_of(member)
  if declared[member] == nil then
    declared[member] = false
    undeclared[#undeclared + 1] = member
  end
  return declared[member]
end

local function answer_members()
  table.insert(undeclared, 1, 'members')
  return undeclared
end
