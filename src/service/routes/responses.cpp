// SPDX-License-Identifier: MIT
#include "service/routes/responses.hh"

#include "core/json/text.hh"
#include "service/http/etag.hh"

namespace mcpstate::service {

http_response tagged_response(const request_context& context, std::string body, std::string etag) {
  http_response out;
  out.etag = std::move(etag);
  const auto& known = context.request.if_none_match;
  if (known && if_none_match_lists(*known, out.etag)) {
    out.status = 304;
  } else {
    out.body = std::move(body);
  }
  return out;
}

http_response tagged_response(const request_context& context, record_body body, std::string etag) {
  auto out = tagged_response(context, std::string(), std::move(etag));
  if (out.status == 200) body.move_to(out);
  return out;
}

http_response count_response(std::string_view name, std::uint64_t n) {
  http_response out;
  out.body = object_writer().number(name, n).str();
  return out;
}

http_response record_response(const connection& record) {
  http_response out;
  out.body = to_json(record);
  out.etag = etag_of(record, digest_of(out.body));
  return out;
}

problem not_found(const request_context& context) {
  return problem(problem_kind::not_found,
                 context.owner().text() + " has no connection named '" + context.server().text() + "'");
}

}  // namespace mcpstate::service
