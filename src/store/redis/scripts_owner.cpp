// SPDX-License-Identifier: MIT
// The programs that work on all of an owner.
#include "store/redis/script_parts.hh"

namespace mcpstate::redis_scripts {
namespace {

constexpr std::string_view touch_body = R"lua(
local connections, servers = KEYS[1], KEYS[2]
local prefix, ttl, life, only = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local members = redis.call('SUNION', connections, servers)
if only ~= '' then members = {only} end
local r = {}
for _, member in ipairs(members) do
  local base = prefix .. 'server:' .. member .. ':'
  local one = {member = member, base = base}
  one.head = redis.call('GETRANGE', base .. 'info', 0, 127)
  one.rev, one.expires, one.latest, one.pos, one.width = read_head(one.head)
  if redis.call('EXISTS', base .. 'status', base .. 'info') > 0 then r[#r + 1] = one end
end
local last = 0
for _, one in ipairs(r) do
  local latest = last_moment(one.latest, life)
  local expires, shown = within(now + ttl, latest), within(math.max(now + ttl, one.expires), latest)
  for _, field in ipairs({'status', 'tools', 'connected_at', 'info'}) do
    local key = one.base .. field
    local left = redis.call('PTTL', key)
    local late = latest > 0 and now + left > latest
    if left == -1 or (left >= 0 and (late or now + left < expires)) then redis.call('PEXPIREAT', key, int(expires)) end
    if left > 0 then last = math.max(last, now + left) end
  end
  last = math.max(last, expires)
  if one.pos and (one.expires ~= shown or one.latest ~= latest) then
    local text = int(shown)
    if #text == one.width and one.latest == latest then
      redis.call('SETRANGE', one.base .. 'info', one.pos - 1, text)
    else
      local _, past = string.find(one.head, '"expires_latest":%d+,')
      local whole = redis.call('GET', one.base .. 'info')
      redis.call('SET', one.base .. 'info', string.sub(whole, 1, one.pos - 1) .. text .. ',"expires_latest":' .. int(latest) ..
        string.sub(whole, past), 'KEEPTTL')
    end
  end
  redis.call('SADD', servers, one.member)
end
if #r > 0 then renew_sets(prefix, connections, servers, last, ttl) end
return #r
)lua";

// A set of a wrong type must not keep an owner from being cleared.
constexpr std::string_view erase_body = R"lua(
local members, seen, count, kept = {}, {}, 0, {}
for _, key in ipairs(KEYS) do
  local got = redis.pcall('SMEMBERS', key)
  if not got.err then
    for _, member in ipairs(got) do
      if not seen[member] then
        seen[member] = true
        members[#members + 1] = member
      end
    end
  end
end
for _, member in ipairs(members) do
  local base = ARGV[1] .. 'server:' .. member .. ':'
  if redis.call('EXISTS', base .. 'status', base .. 'info') > 0 then count = count + 1 end
  redis.call('UNLINK', base .. 'status', base .. 'tools', base .. 'connected_at', base .. 'info')
  if redis.call('UNLINK', base .. 'lease') == 1 then kept[#kept + 1] = member end
end
redis.call('UNLINK', KEYS[1], KEYS[2])
return {count, kept}
)lua";

constexpr std::string_view claim_read = R"lua(
local from, to, ttl, life, members = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local from_connections, from_servers, connections, servers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local found = redis.call('SUNION', from_connections, from_servers)
redis.call('SUNION', connections, servers)
local function look(base)
  local rev, _, latest = head_of(base .. 'info')
  redis.call('STRLEN', base .. 'tools')
  return {rev = rev, latest = latest, status = redis.call('GET', base .. 'status'), at = redis.call('GET', base .. 'connected_at')}
end
local r = {}
for a = 6, #ARGV, 11 do
  local member = ARGV[a]
  local one = {member = member, act = ARGV[a + 1], s = {rev = ARGV[a + 2], status = ARGV[a + 3], at = ARGV[a + 4]},
    u = {rev = ARGV[a + 5], status = ARGV[a + 6], at = ARGV[a + 7]}, status = ARGV[a + 8], at = ARGV[a + 9], tail = ARGV[a + 10],
    src = from .. 'server:' .. member .. ':', dst = to .. 'server:' .. member .. ':'}
  one.fs, one.fu = look(one.src), look(one.dst)
  r[#r + 1] = one
end
)lua";

constexpr std::string_view claim_fence = R"lua(
local asked = {}
for _, one in ipairs(r) do asked[one.member] = true end
for _, member in ipairs(found) do if not asked[member] then return {'conflict'} end end
if #found ~= tonumber(members) then return {'conflict'} end
for _, one in ipairs(r) do
  for _, pair in ipairs({{one.s, one.fs}, {one.u, one.fu}}) do
    local want, have = pair[1], pair[2]
    if want.rev ~= int(have.rev) or not is(want.status, have.status) or not is(want.at, have.at) then return {'conflict'} end
  end
end
)lua";

constexpr std::string_view claim_write = R"lua(
local function move(src, dst, at)
  if redis.call('EXISTS', src) == 0 then return redis.call('DEL', dst) end
  redis.call('RENAME', src, dst)
  redis.call('PEXPIREAT', dst, at)
end
local last = 0
for _, one in ipairs(r) do
  if one.act == 'move' then
    local rev = math.max(one.fs.rev + 1, one.fu.rev + 1, now_us)
    local latest = last_moment(one.fs.latest, life)
    local expires = within(now + ttl, latest)
    last = math.max(last, expires)
    local at = int(expires)
    move(one.src .. 'tools', one.dst .. 'tools', at)
    redis.call('SET', one.dst .. 'status', one.status, 'PXAT', at)
    local key = one.dst .. 'connected_at'
    if one.at == '' then redis.call('DEL', key) else redis.call('SET', key, one.at, 'PXAT', at) end
    redis.call('SET', one.dst .. 'info', '{"revision":' .. int(rev) .. ',"expires_at":' .. at .. ',"expires_latest":' ..
      int(latest) .. ',' .. one.tail, 'PXAT', at)
    redis.call('SADD', servers, one.member)
    redis.call(one.status == 'CONNECTED' and 'SADD' or 'SREM', connections, one.member)
  end
  redis.call('UNLINK', one.src .. 'status', one.src .. 'tools', one.src .. 'connected_at', one.src .. 'info', one.src .. 'lease')
end
redis.call('UNLINK', from_connections, from_servers)
if last > 0 then renew_sets(to, connections, servers, last, ttl) end
return {'ok'}
)lua";

constexpr std::string_view repair_body = R"lua(
local connections, servers = KEYS[1], KEYS[2]
local prefix, ttl, repairs = ARGV[1], tonumber(ARGV[2]), 0
local may_drop, members, seen = {}, redis.call('SUNION', connections, servers), {}
for i = 3, #ARGV do may_drop[ARGV[i]] = true end
for _, member in ipairs(members) do seen[member] = true end
for i = 3, #ARGV do if not seen[ARGV[i]] then members[#members + 1] = ARGV[i] end end
local last = 0
for _, member in ipairs(members) do
  local base = prefix .. 'server:' .. member .. ':'
  local got = redis.pcall('GET', base .. 'status')
  local status = type(got) == 'string' and got or nil
  for _, field in ipairs({'status', 'tools', 'connected_at', 'info', 'lease'}) do
    local left = redis.call('PTTL', base .. field)
    if left == -1 then
      redis.call('PEXPIREAT', base .. field, int(now + ttl))
      left, repairs = ttl, repairs + 1
    end
    if left > 0 then last = math.max(last, now + left) end
  end
  if status == 'CONNECTED' then
    repairs = repairs + redis.call('SADD', connections, member) + redis.call('SADD', servers, member)
  elseif may_drop[member] then
    repairs = repairs + redis.call('SREM', connections, member)
    if redis.call('EXISTS', base .. 'status', base .. 'info') == 0 then
      repairs = repairs + redis.call('SREM', servers, member)
    else
      repairs = repairs + redis.call('SADD', servers, member)
    end
    if status and redis.call('TYPE', base .. 'connected_at').ok == 'string' then
      repairs = repairs + redis.call('DEL', base .. 'connected_at')
    end
  end
end
for _, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  if left == -1 or (left >= 0 and now + left < last) then
    redis.call('PEXPIREAT', key, int(math.max(last, now + ttl) + ttl))
    repairs = repairs + 1
  end
end
return repairs
)lua";

}  // namespace

const script& touch() {
  static const script it = make({prelude, lifetime, adopt, set_renewal(), touch_body});
  return it;
}

const script& erase() {
  static const script it = make({erase_body});
  return it;
}

const script& claim() {
  static const script it =
      make({prelude, lifetime, adopt, set_renewal(), claim_read, unless(fault::no_fence, claim_fence), claim_write});
  return it;
}

const script& repair() {
  static const script it = make({prelude, repair_body});
  return it;
}

}  // namespace mcpstate::redis_scripts
