// SPDX-License-Identifier: MIT
#include "store/redis/scripts.hh"

#include <openssl/evp.h>

#include <array>

#include "store/redis/script_parts.hh"

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

constexpr std::string_view put_read = R"lua(
local prefix, ttl, life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local records = math.floor((#KEYS - 2) / 5)
local kept, lease = ARGV[4 + records * 8] == 'keep', KEYS[3 + records * 5]
local connections, servers = KEYS[1], KEYS[2]
local function refuse(why, member)
  for i = 1, records do
    local tools, staging = KEYS[2 + i * 5 - 3], KEYS[2 + i * 5]
    if staging ~= tools then redis.call('DEL', staging) end
  end
  return {why, member}
end
-- every key is read before any is written: a wrong type ends the script here
local held = lease and redis.call('GET', lease)
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
  if one.action ~= 'look' then
    for n, key in ipairs({one.status, one.at, one.info}) do if not got[n] then redis.call('STRLEN', key) end end
    one.list = one.action == 'replace_empty' and redis.call('GETRANGE', one.tools, 0, 127) or redis.call('STRLEN', one.tools)
  end
  one.found_status, one.found_at = got[1], got[2]
  one.found_rev, one.expires, one.latest = read_head(got[3] or '')
  r[i] = one
end
)lua";

// A write under a lease: its key is there for as long as it runs.
constexpr std::string_view put_lease_fence = R"lua(
if lease then
  local want = ARGV[5 + records * 8]
  if not held or string.sub(held, 1, #want) ~= want then return refuse('lease', r[1].member) end
end
)lua";

// These are all that the owner has: one that came since they were read would be spared.
constexpr std::string_view put_nothing_else = R"lua(
local known = {}
for i = 1, records do known[r[i].member] = true end
for _, member in ipairs(redis.call('SUNION', connections, servers)) do
  if not known[member] then return refuse('conflict', member) end
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

// What only had to be as it was read is not written.
constexpr std::string_view put_not_looked_at = R"lua(
local changed = {}
for i = 1, records do if r[i].action ~= 'look' then changed[#changed + 1] = r[i] end end
if #changed == 0 then return {'ok'} end
r, records = changed, #changed
)lua";

// The first write is the one that can fail, when the staged value is gone; of several, each is looked at before. The sets
// are looked at closely only when a name is new to them, or when they would not outlive the record by half a ttl.
constexpr std::string_view put_write = R"lua(
-- when a record that is there would expire; a foreign one by its status
local function kept_expiry(one)
  if one.expires > now then return one.expires end
  local left = one.found_status and redis.call('PTTL', one.status) or -1
  if left > 0 then return now + left end
end
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
  local latest = last_moment(one.latest > now and one.latest or 0, life)
  local expires = within(kept and kept_expiry(one) or now + ttl, latest)
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

}  // namespace

script make(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (auto part : parts) text += part;
  std::string sha = sha1_hex(text);
  return script{std::move(text), std::move(sha)};
}

const script& put() {
  static const script it =
      make({prelude, lifetime, adopt, set_renewal(), put_read, unless(fault::no_lease_fence, put_lease_fence),
            unless(fault::no_fence, put_fence), unless(fault::empty_replaces, put_last_good), put_write});
  return it;
}

const script& put_all() {
  static const script it =
      make({prelude, lifetime, adopt, set_renewal(), put_read, unless(fault::misses_new, put_nothing_else),
            unless(fault::no_fence, put_fence), put_not_looked_at, put_write});
  return it;
}

}  // namespace mcpstate::redis_scripts
