-- Decides, and writes all of `records`.

-- When a record that keeps its expiry ends; a foreign one ends with its status.
local function kept_expiry(record)
  if record.found_expires > now then return record.found_expires end
  local left = record.found_status and call('PTTL', record.keys.status) or -1
  if left > 0 then return now + left end
end

local last = 0
for _, record in ipairs(records) do
  record.latest = latest_expiry(record.found_latest > now and record.found_latest or 0, lifetime)
  record.expires = limited(keep == 'keep' and kept_expiry(record) or now + ttl, record.latest)
  last = math.max(last, record.expires)
end
local plan = plan_renewal(connections, servers, last, ttl, records)
if #undeclared > 0 then return answer_members() end

-- The first write is the one that can fail: the staged value may be gone. Several are looked at before any is moved.
for _, record in ipairs(records) do
  local gone = false
  if record.staging and #records > 1 then gone = call('EXISTS', record.staging) == 0 end
  if record.staging and #records == 1 then gone = redis.pcall('RENAME', record.staging, record.keys.tools).err end
  if gone then return refuse('staging', record.member) end
end
local answer = {'ok'}
for _, record in ipairs(records) do
  local keys, expires = record.keys, int(record.expires)
  local revision = later_revision(math.max(record.found_revision, tonumber(floor)))
  call('SADD', servers, record.member)
  call(record.status == 'CONNECTED' and 'SADD' or 'SREM', connections, record.member)
  call('SET', keys.status, record.status, 'PXAT', expires)
  if record.connected_at == '' then
    call('DEL', keys.connected_at)
  else
    call('SET', keys.connected_at, record.connected_at, 'PXAT', expires)
  end
  if record.staging and #records > 1 then call('RENAME', record.staging, keys.tools) end
  if record.action == 'drop' then call('DEL', keys.tools) else call('PEXPIREAT', keys.tools, expires) end
  call('SET', keys.info, '{"revision":' .. revision .. ',"expires_at":' .. expires .. ',"expires_latest":' ..
    int(record.latest) .. ',' .. record.tail, 'PXAT', expires)
  answer[#answer + 1] = revision
  answer[#answer + 1] = expires
end
renew(plan, servers, ttl)
