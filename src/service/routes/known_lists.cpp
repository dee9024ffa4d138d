// SPDX-License-Identifier: MIT
#include "service/routes/known_lists.hh"

#include "core/json/depth.hh"
#include "core/json/text.hh"
#include "service/http/etag.hh"

namespace mcpstate::service {

namespace {

list_kind parse(std::string_view bytes) {
  if (check_json(bytes, json_shape::array, json_depth_of_tools).ok) return list_kind::list;
  return check_json(bytes, json_shape::array, json_depth_of_foreign_tools).ok ? list_kind::deep : list_kind::junk;
}

}  // namespace

list_facts known_lists::inspect(std::string_view bytes) {
  list_facts out;
  out.digest = digest_of(bytes);
  out.kind = kind_of(bytes, out.digest);
  return out;
}

list_kind known_lists::kind_of(std::string_view bytes, const std::string& digest) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = kinds_.find(digest); known != kinds_.end()) return known->second;
  }
  const auto kind = parse(bytes);
  const std::lock_guard lock(mutex_);
  if (kinds_.size() >= max_size) kinds_.clear();
  kinds_.emplace(digest, kind);
  return kind;
}

std::size_t known_lists::size() const {
  const std::lock_guard lock(mutex_);
  return kinds_.size();
}

}  // namespace mcpstate::service
