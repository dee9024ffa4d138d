// SPDX-License-Identifier: MIT
#include "store/redis_scripts.hh"

#include <openssl/evp.h>

#include <array>

#include "store/faults.hh"

namespace mcpstate::redis_scripts {
namespace {

std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += hex[digest[i] >> 4];
    out += hex[digest[i] & 15];
  }
  return out;
}

script make(std::string text) {
  std::string sha = sha1_hex(text);
  return script{std::move(text), std::move(sha)};
}

// What the programs share. Times are milliseconds; Lua numbers hold integers to 2^53 exactly, microseconds until 2255.
constexpr std::string_view prelude = R"lua(
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now = math.floor(now_us / 1000)
local function int(n) return string.format('%d', n) end

-- revision, expires_at, expires_latest, and where expires_at stands (1-based, width) in a record's :info
local function read_head(info)
  local rev, pos, exp, latest = string.match(info, '^{"revision":(%d+),"expires_at":()(%d+),"expires_latest":(%d+),')
  if not rev then return 0, 0, 0, nil, 0 end
  return tonumber(rev), tonumber(exp), tonumber(latest), pos, #exp
end
local function head_of(key) return read_head(redis.call('GETRANGE', key, 0, 127)) end

local function is(expected, found)
  if found then return expected == '+' .. found end
  return expected == '-'
end
)lua";

// A foreign program writes members and keys without expiry, and knows nothing of :servers. On contact its records get an
// expiry and a place in :servers; one without a status may be half written, and is left alone.
constexpr std::string_view adopt = R"lua(
local longest = 0
local function adopt(prefix, servers, member, ttl)
  local base = prefix .. 'server:' .. member .. ':'
  for _, field in ipairs({'status', 'tools', 'connected_at', 'info'}) do
    local left = redis.call('PTTL', base .. field)
    if left == -1 then left = redis.call('PEXPIREAT', base .. field, int(now + ttl)) * ttl end
    if left > 0 then longest = math.max(longest, now + left) end
  end
  if redis.call('EXISTS', base .. 'status') == 1 then redis.call('SADD', servers, member) end
end
)lua";

// A set outlives its longest member by half a ttl or more: a foreign program adds members to it and renews nothing. One that
// comes near its end looks at all its members first, because a foreign program may have renewed theirs since we met them.
constexpr std::string_view renew_sets = R"lua(
local function renew_set(prefix, servers, key, at, ttl)
  local left = redis.call('PTTL', key)
  if left == -2 or (left >= 0 and now + left >= at + ttl / 2) then return end
  for _, member in ipairs(redis.call('SMEMBERS', key)) do
    local lives = redis.call('PTTL', prefix .. 'server:' .. member .. ':status')
    if lives == -1 then adopt(prefix, servers, member, ttl) end
    if lives > 0 then at = math.max(at, now + lives) end
  end
  at = math.max(at, longest)
  redis.call('PEXPIREAT', key, int(at + ttl))
end
local function renew_sets(prefix, connections, servers, at, ttl)
  local fresh = redis.call('PTTL', connections) == -1
  local foreign = fresh and redis.call('SMEMBERS', connections) or redis.call('SDIFF', connections, servers)
  for _, member in ipairs(foreign) do adopt(prefix, servers, member, ttl) end
  at = math.max(at, longest)
  renew_set(prefix, servers, connections, at, ttl)
  renew_set(prefix, servers, servers, at, ttl)
end
)lua";

constexpr std::string_view renew_no_sets = R"lua(
local function renew_sets() end
)lua";

constexpr std::string_view put_read = R"lua(
local prefix, ttl, life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local records = (#KEYS - 2) / 5
local connections, servers = KEYS[1], KEYS[2]
local function refuse(why, member)
  for i = 1, records do
    local tools, staging = KEYS[2 + i * 5 - 3], KEYS[2 + i * 5]
    if staging ~= tools then redis.call('DEL', staging) end
  end
  return {why, member}
end
-- every key is read before any is written: a wrong type ends the script here
local foreign = redis.call('SDIFF', connections, servers)
local r = {}
for i = 1, records do
  local k, a = 2 + (i - 1) * 5, 3 + (i - 1) * 8
  local one = {status = KEYS[k + 1], tools = KEYS[k + 2], at = KEYS[k + 3], info = KEYS[k + 4],
    staging = KEYS[k + 5] ~= KEYS[k + 2] and KEYS[k + 5],
    member = ARGV[a + 1], rev = ARGV[a + 2], old_status = ARGV[a + 3], old_at = ARGV[a + 4], to = ARGV[a + 5],
    new_at = ARGV[a + 6], action = ARGV[a + 7], tail = ARGV[a + 8]}
  -- one call for what is nearly always there; MGET takes a wrong type for nothing, STRLEN does not
  local got = redis.call('MGET', one.status, one.at, one.info)
  for n, key in ipairs({one.status, one.at, one.info}) do if not got[n] then redis.call('STRLEN', key) end end
  one.found_status, one.found_at = got[1], got[2]
  one.found_rev, one.expires, one.latest = read_head(got[3] or '')
  local asks = one.action == 'replace_empty'
  one.list = asks and redis.call('GETRANGE', one.tools, 0, 127) or redis.call('STRLEN', one.tools)
  r[i] = one
end
)lua";

constexpr std::string_view put_fence = R"lua(
for i = 1, records do
  local one = r[i]
  if int(one.found_rev) ~= one.rev or not is(one.old_status, one.found_status) or not is(one.old_at, one.found_at) then
    return refuse('conflict', one.member)
  end
end
)lua";

// A list is good when something stands between its brackets.
constexpr std::string_view put_last_good = R"lua(
for i = 1, records do
  local one = r[i]
  if one.action == 'replace_empty' and string.find(one.list, '^%s*%[%s*[^%s%]]') then return refuse('empty', one.member) end
end
)lua";

// The first write is the one that can fail, when the staged value is gone; of several, each is looked at before. The sets
// are looked at closely only when a name is new to them, or when they would not outlive the record by half a ttl.
constexpr std::string_view put_write = R"lua(
for i = 1, records do
  local one = r[i]
  local gone = false
  if one.staging and records > 1 then gone = redis.call('EXISTS', one.staging) == 0 end
  if one.staging and records == 1 then gone = redis.pcall('RENAME', one.staging, one.tools).err end
  if gone then return refuse('staging', one.member) end
end
local answer, last, renew = {'ok'}, 0, #foreign > 0
for i = 1, records do
  local one = r[i]
  local rev = math.max(one.found_rev + 1, now_us)
  local expires, latest = now + ttl, 0
  if life > 0 then
    latest = one.latest > 0 and one.latest or now + life
    expires = math.min(expires, latest)
  end
  last = math.max(last, expires)
  local at = int(expires)
  local added = redis.call('SADD', servers, one.member)
  if one.to == 'CONNECTED' then
    added = added + redis.call('SADD', connections, one.member)
  else
    redis.call('SREM', connections, one.member)
  end
  if added > 0 then renew = true end
  redis.call('SET', one.status, one.to, 'PXAT', at)
  if one.new_at == '' then redis.call('DEL', one.at) else redis.call('SET', one.at, one.new_at, 'PXAT', at) end
  if one.staging and records > 1 then redis.call('RENAME', one.staging, one.tools) end
  if one.action == 'drop' then redis.call('DEL', one.tools) else redis.call('PEXPIREAT', one.tools, at) end
  redis.call('SET', one.info, '{"revision":' .. int(rev) .. ',"expires_at":' .. at .. ',"expires_latest":' .. int(latest) ..
    ',' .. one.tail, 'PXAT', at)
  answer[#answer + 1] = int(rev)
  answer[#answer + 1] = at
end
for _, key in ipairs({connections, servers}) do
  local left = redis.call('PTTL', key)
  if left == -1 or (left >= 0 and now + left < last + ttl / 2) then renew = true end
end
if renew then renew_sets(prefix, connections, servers, last, ttl) end
return answer
)lua";

constexpr std::string_view touch_body = R"lua(
local connections, servers = KEYS[1], KEYS[2]
local prefix, ttl, only = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local members = redis.call('SUNION', connections, servers)
if only ~= '' then members = {only} end
local r = {}
for _, member in ipairs(members) do
  local base = prefix .. 'server:' .. member .. ':'
  local one = {member = member, base = base}
  one.rev, one.expires, one.latest, one.pos, one.width = head_of(base .. 'info')
  if redis.call('EXISTS', base .. 'status', base .. 'info') > 0 then r[#r + 1] = one end
end
local last = 0
for _, one in ipairs(r) do
  local expires = now + ttl
  if one.latest > 0 then expires = math.min(expires, one.latest) end
  for _, field in ipairs({'status', 'tools', 'connected_at', 'info'}) do
    local key = one.base .. field
    local left = redis.call('PTTL', key)
    if left == -1 or (left >= 0 and now + left < expires) then redis.call('PEXPIREAT', key, int(expires)) end
    if left > 0 then last = math.max(last, now + left) end
  end
  last = math.max(last, expires)
  if one.pos and one.expires < expires then
    local text = int(expires)
    if #text == one.width then
      redis.call('SETRANGE', one.base .. 'info', one.pos - 1, text)
    else
      local whole = redis.call('GET', one.base .. 'info')
      redis.call('SET', one.base .. 'info', string.sub(whole, 1, one.pos - 1) .. text .. string.sub(whole, one.pos + one.width),
        'KEEPTTL')
    end
  end
  redis.call('SADD', servers, one.member)
end
if #r > 0 then renew_sets(prefix, connections, servers, last, ttl) end
return #r
)lua";

// A set of a wrong type must not keep an owner from being cleared.
constexpr std::string_view erase_body = R"lua(
local members, seen, count = {}, {}, 0
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
  redis.call('UNLINK', base .. 'status', base .. 'tools', base .. 'connected_at', base .. 'info', base .. 'lease')
end
redis.call('UNLINK', KEYS[1], KEYS[2])
return count
)lua";

constexpr std::string_view claim_read = R"lua(
local from, to, ttl, members = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local from_connections, from_servers, connections, servers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local found = redis.call('SUNION', from_connections, from_servers)
redis.call('SUNION', connections, servers)
local function look(base)
  local rev, _, latest = head_of(base .. 'info')
  redis.call('STRLEN', base .. 'tools')
  return {rev = rev, latest = latest, status = redis.call('GET', base .. 'status'), at = redis.call('GET', base .. 'connected_at')}
end
local r = {}
for a = 5, #ARGV, 11 do
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
    local rev, expires = math.max(one.fs.rev + 1, one.fu.rev + 1, now_us), now + ttl
    if one.fs.latest > 0 then expires = math.min(expires, one.fs.latest) end
    last = math.max(last, expires)
    local at = int(expires)
    move(one.src .. 'tools', one.dst .. 'tools', at)
    redis.call('SET', one.dst .. 'status', one.status, 'PXAT', at)
    local key = one.dst .. 'connected_at'
    if one.at == '' then redis.call('DEL', key) else redis.call('SET', key, one.at, 'PXAT', at) end
    redis.call('SET', one.dst .. 'info', '{"revision":' .. int(rev) .. ',"expires_at":' .. at .. ',"expires_latest":' ..
      int(one.fs.latest) .. ',' .. one.tail, 'PXAT', at)
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
  for _, field in ipairs({'status', 'tools', 'connected_at', 'info'}) do
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

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (auto part : parts) out += part;
  return out;
}

// The part, or nothing when the tests ask for a store without it.
std::string_view unless(fault which, std::string_view part, std::string_view instead = {}) {
  return active(which) ? instead : part;
}

std::string_view set_renewal() { return unless(fault::no_set_ttl, renew_sets, renew_no_sets); }

}  // namespace

const script& put() {
  static const script it = make(joined({prelude, adopt, set_renewal(), put_read, unless(fault::no_fence, put_fence),
                                        unless(fault::empty_replaces, put_last_good), put_write}));
  return it;
}

const script& touch() {
  static const script it = make(joined({prelude, adopt, set_renewal(), touch_body}));
  return it;
}

const script& erase() {
  static const script it = make(joined({erase_body}));
  return it;
}

const script& claim() {
  static const script it =
      make(joined({prelude, adopt, set_renewal(), claim_read, unless(fault::no_fence, claim_fence), claim_write}));
  return it;
}

const script& repair() {
  static const script it = make(joined({prelude, repair_body}));
  return it;
}

}  // namespace mcpstate::redis_scripts
