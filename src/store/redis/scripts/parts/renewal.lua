-- The expiry of an owner's two sets. A set outlives its longest member by half a ttl or more, because a foreign program
-- adds members and renews nothing. A set that comes near its end is compared with all its members first: a foreign
-- program may have renewed their keys.
--
-- A foreign program writes members and keys without an expiry, and does not know :servers. Its records get an expiry
-- and a place in :servers here. A member without a status may be half written, and does not get that place.
--
-- A script plans the renewal before its first write and carries it out after its last.

-- What there is to do. left: how long the two sets still live; foreign: members that are not in :servers.
local function plan_closely(connections, servers, left, foreign, last, ttl, records)
  local plan = {longest = last, expire = {}, adopt = {}, sets = {}}
  local adopted, written = {}, {}
  for _, record in ipairs(records) do written[record.member] = true end
  local function adopt(member)
    if adopted[member] or written[member] then return end
    adopted[member] = true
    local keys = keys_of(member)
    if not keys then return end
    for _, name in ipairs({keys.status, keys.tools, keys.connected_at, keys.info}) do
      local lives = call('PTTL', name)
      if lives == -1 then
        plan.expire[#plan.expire + 1] = name
        lives = ttl
      end
      if lives > 0 then plan.longest = math.max(plan.longest, now + lives) end
    end
    if call('EXISTS', keys.status) == 1 then plan.adopt[#plan.adopt + 1] = member end
  end

  for _, member in ipairs(left[1] == -1 and call('SMEMBERS', connections) or foreign) do adopt(member) end
  for i, set in ipairs({connections, servers}) do
    local ends_early = left[i] == -1 or (left[i] >= 0 and now + left[i] < plan.longest + ttl / 2)
    for _, member in ipairs(ends_early and call('SMEMBERS', set) or {}) do
      local keys = not written[member] and keys_of(member)
      local lives = keys and call('PTTL', keys.status) or -2
      if lives == -1 then adopt(member) end
      if lives > 0 then plan.longest = math.max(plan.longest, now + lives) end
    end
    -- A set that is not there may be made by this script.
    if ends_early or left[i] == -2 then plan.sets[#plan.sets + 1] = set end
  end
  return plan
end

-- records: those that the script writes; last: when the last of them expires. Answers nothing where nothing is to do, as
-- nearly always.
local function plan_renewal(connections, servers, last, ttl, records)
  local foreign = call('SDIFF', connections, servers)
  local left, servers_left = call('PTTL', connections), call('PTTL', servers)
  local enough = last + ttl / 2 - now
  if #foreign == 0 and left >= enough and servers_left >= enough then return nil end
  return plan_closely(connections, servers, {left, servers_left}, foreign, last, ttl, records)
end

local function renew(plan, servers, ttl)
  if not plan then return end
  for _, name in ipairs(plan.expire) do call('PEXPIREAT', name, int(now + ttl)) end
  for _, member in ipairs(plan.adopt) do call('SADD', servers, member) end
  for _, set in ipairs(plan.sets) do call('PEXPIREAT', set, int(plan.longest + ttl)) end
end
