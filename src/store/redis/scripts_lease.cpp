// SPDX-License-Identifier: MIT
// The programs of leases. One key each, so that any server may hold any of them; the end of a lease reads its record, too,
// which is kept on the same one.
#include "store/redis/script_parts.hh"

namespace mcpstate::redis_scripts {
namespace {

constexpr std::string_view lease_parts = R"lua(
-- number, holder, registered; nothing where another program left something else
local function read_lease(value)
  local number, size, at = string.match(value or '', '^(%d+) (%d+) ()')
  if not number then return end
  return number, string.sub(value, at, at + size - 1), string.sub(value, at + size + 1)
end
)lua";

constexpr std::string_view take_body = R"lua(
local key, holder, registered, time, last = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local number, who = read_lease(redis.call('GET', key))
if number and who ~= holder then return {0, redis.call('PTTL', key)} end
number = number or int(math.max(now_us, last + 1))
redis.call('SET', key, number .. ' ' .. #holder .. ' ' .. holder .. ' ' .. registered, 'PX', int(time))
return {1, number}
)lua";

// The index of owners is renewed now and then: when this renewal falls into another quarter of the ttl than the last did.
constexpr std::string_view renew_body = R"lua(
local key, want, time, quarter = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]) / 4
local value = redis.call('GET', key)
if not value or string.sub(value, 1, #want) ~= want then return 0 end
local renewed = now + redis.call('PTTL', key) - time
redis.call('PEXPIREAT', key, int(now + time))
local _, _, registered = read_lease(value)
if registered ~= '' and math.floor(now / quarter) ~= math.floor(renewed / quarter) then return registered end
return 1
)lua";

constexpr std::string_view end_body = R"lua(
local key, want, seen = KEYS[1], ARGV[1], ARGV[2]
local value = redis.call('GET', key)
if not value or string.sub(value, 1, #want) ~= want then return {} end
local again = seen ~= '' and int(head_of(KEYS[2])) ~= seen
redis.call('DEL', key)
local _, _, registered = read_lease(value)
return {registered, again and 1 or 0}
)lua";

// An index outlives its last use by a ttl at least. Renewed with some to spare, so that few uses renew it.
constexpr std::string_view keep_index = R"lua(
local function keep_index(key, ttl)
  local left = redis.call('PTTL', key)
  if left ~= -2 and left < ttl then redis.call('PEXPIREAT', key, int(now + ttl * 1.25)) end
end
)lua";

constexpr std::string_view index_body = R"lua(
local key, ttl, what = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local score, with = what == 'held' and int(now + tonumber(ARGV[3])) or '0', {}
for i = 4, #ARGV do
  if what ~= 'over' then with[#with + 1] = score end
  with[#with + 1] = ARGV[i]
end
redis.call(what == 'over' and 'ZREM' or 'ZADD', key, unpack(with))
keep_index(key, ttl)
)lua";

constexpr std::string_view unheld_body = R"lua(
local out = redis.call('ZRANGE', KEYS[1], '-inf', int(now), 'BYSCORE', 'LIMIT', '0', ARGV[1])
table.insert(out, 1, redis.call('ZCARD', KEYS[1]))
return out
)lua";

constexpr std::string_view owners_body = R"lua(
local key, ttl, command, members = KEYS[1], tonumber(ARGV[1]), ARGV[2], {}
for i = 3, #ARGV do members[#members + 1] = ARGV[i] end
redis.call(command, key, unpack(members))
keep_index(key, ttl)
)lua";

constexpr std::string_view beat_body = R"lua(
local key, ttl, name, time = KEYS[1], tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
if time > 0 then
  redis.call('HSET', key, name, int(now + time) .. ' ' .. ARGV[4] .. ' ' .. ARGV[5] .. ' ' .. ARGV[6])
else
  redis.call('HDEL', key, name)
end
keep_index(key, math.max(ttl, time))
local all, out = redis.call('HGETALL', key), {}
for i = 1, #all, 2 do
  local last, kept, reach, address = string.match(all[i + 1], '^(%d+) (%d+) (%S*) (.*)$')
  if last and tonumber(last) > now then
    out[#out + 1] = all[i]
    out[#out + 1] = kept
    out[#out + 1] = reach
    out[#out + 1] = address
  else
    redis.call('HDEL', key, all[i])
  end
end
return out
)lua";

}  // namespace

const script& take_lease() {
  static const script it = make({prelude, lease_parts, take_body});
  return it;
}

const script& renew_lease() {
  static const script it = make({prelude, lease_parts, renew_body});
  return it;
}

const script& end_lease() {
  static const script it = make({prelude, lease_parts, end_body});
  return it;
}

const script& index_leases() {
  static const script it = make({prelude, keep_index, index_body});
  return it;
}

const script& unheld() {
  static const script it = make({prelude, unheld_body});
  return it;
}

const script& index_owners() {
  static const script it = make({prelude, keep_index, owners_body});
  return it;
}

const script& beat() {
  static const script it = make({prelude, keep_index, beat_body});
  return it;
}

}  // namespace mcpstate::redis_scripts
