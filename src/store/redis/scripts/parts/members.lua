-- The members whose keys the call declares. A script touches the keys of no other member. Where it needs those of
-- another one, it writes nothing and answers {"members", name, …}: the caller declares these too and calls again.
local declared, undeclared = {}, {}

-- Takes the keys of a member from KEYS.
local function declare(member)
  local status, tools, connected_at, info = take_keys(4)
  local keys = {member = member, status = status, tools = tools, connected_at = connected_at, info = info}
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
