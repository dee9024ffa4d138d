// SPDX-License-Identifier: MIT
#include "service/operations/metrics.hh"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <initializer_list>
#include <locale>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "service/operations/process_metrics.hh"

namespace mcpstate::service {

namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

constexpr std::size_t max_values = 64;  // of a label whose values come from callers
constexpr std::string_view other = "other";

const Histogram::BucketBoundaries& short_buckets() {
  static const Histogram::BucketBoundaries bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                  0.1,    0.25,  0.5,    1,     2.5,  5,     10};
  return bounds;
}
const Histogram::BucketBoundaries& long_buckets() {
  static const Histogram::BucketBoundaries bounds{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120};
  return bounds;
}

// Of the store: those of requests, then those of the manager.
constexpr std::array<std::string_view, 15> known_operations{
    "list",  "get",  "put",          "touch",      "disconnect", "erase",    "claim",     "scan",
    "stats", "beat", "renew_leases", "take_lease", "end_lease",  "lease_of", "managed_of"};

double seconds(std::chrono::microseconds duration) { return std::chrono::duration<double>(duration).count(); }
std::string_view outcome(bool ok) noexcept { return ok ? "ok" : "failed"; }

// Bounds the values of a label: the first ones stay as they are, more become "other".
class bounded_values {
 public:
  std::string_view operator()(std::string_view value) {
    if (value.empty()) return "none";
    if (seen_.contains(value)) return value;
    if (seen_.size() == max_values) return other;
    seen_.emplace(value);
    return value;
  }

 private:
  std::set<std::string, std::less<>> seen_;
};

std::string_view known_method(std::string_view method) noexcept {
  constexpr std::array<std::string_view, 7> known{"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"};
  return std::find(known.begin(), known.end(), method) != known.end() ? method : other;
}

std::string_view known_code(std::string_view code) noexcept {
  for (int i = 1; i <= static_cast<int>(errc::bug); ++i) {
    if (name_of(static_cast<errc>(i)) == code) return code;
  }
  return other;
}

std::string_view news_name(manager_observer::lease_news news) noexcept {
  switch (news) {
    case manager_observer::lease_news::taken:
      return "taken";
    case manager_observer::lease_news::lost:
      return "lost";
    case manager_observer::lease_news::handed_over:
      return "handed_over";
    case manager_observer::lease_news::over:
      break;
  }
  return "over";
}

std::string_view cause_name(manager_observer::loss_cause cause) noexcept {
  switch (cause) {
    case manager_observer::loss_cause::replaced:
      return "replaced";
    case manager_observer::loss_cause::flushed:
      return "flushed";
    case manager_observer::loss_cause::evicted:
      break;
  }
  return "evicted";
}

// Finds the metrics of a family by the values of their labels. Family::Add would hash and lock each time.
template <class Metric>
class labelled {
 public:
  labelled(prometheus::Family<Metric>& family, std::vector<std::string> names) : family_(family), names_(std::move(names)) {}

  template <class... More>
  Metric& labels(std::initializer_list<std::string_view> values, const More&... arguments) {
    key_.clear();
    for (const auto value : values) key_.append(value).append(1, '\0');
    if (const auto found = made_.find(key_); found != made_.end()) return *found->second;
    prometheus::Labels named;
    auto name = names_.begin();
    for (const auto value : values) named.emplace(*name++, value);
    auto& made = family_.Add(named, arguments...);
    made_.emplace(key_, &made);
    return made;
  }

 private:
  prometheus::Family<Metric>& family_;
  std::vector<std::string> names_;
  std::map<std::string, Metric*> made_;
  std::string key_;
};

prometheus::MetricFamily one_value(const char* name, const char* help, prometheus::MetricType type, double value) {
  prometheus::MetricFamily out;
  out.name = name;
  out.help = help;
  out.type = type;
  auto& metric = out.metric.emplace_back();
  (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return out;
}

void append_process(std::vector<prometheus::MetricFamily>& out) {
  const auto facts = read_process_facts();
  if (!facts) return;
  using prometheus::MetricType;
  out.push_back(one_value("process_cpu_seconds_total", "User and system CPU time in seconds", MetricType::Counter,
                          facts->cpu_seconds));
  out.push_back(one_value("process_resident_memory_bytes", "Resident memory", MetricType::Gauge, facts->resident_bytes));
  out.push_back(one_value("process_virtual_memory_bytes", "Virtual memory", MetricType::Gauge, facts->virtual_bytes));
  out.push_back(
      one_value("process_start_time_seconds", "Start of the process, Unix time", MetricType::Gauge, facts->start_time));
  if (facts->open_fds)
    out.push_back(one_value("process_open_fds", "Open file descriptors", MetricType::Gauge, *facts->open_fds));
  if (facts->max_fds) {
    out.push_back(one_value("process_max_fds", "How many file descriptors may be open", MetricType::Gauge, *facts->max_fds));
  }
}

}  // namespace

struct metrics::families {
  std::mutex mutex;  // of the maps in this struct; what they find is thread-safe
  prometheus::Registry registry;
  prometheus::Family<Counter>& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  prometheus::Family<Gauge>& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  prometheus::Family<Histogram>& histogram(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  bounded_values routes, operations;

  labelled<Counter> http{counter("mcpstate_http_requests_total", "HTTP requests answered"), {"route", "method", "status"}};
  labelled<Histogram> http_time{
      histogram("mcpstate_http_request_duration_seconds", "Time from a request's head to its answer"), {"route", "method"}};
  Counter& limited = counter("mcpstate_http_rate_limited_total",
                             "Requests and connections refused because their owner or address came too often")
                         .Add({});
  labelled<Counter> store{counter("mcpstate_store_operations_total", "Store operations by outcome: ok, or why not"),
                          {"operation", "outcome"}};
  labelled<Histogram> store_time{histogram("mcpstate_store_operation_duration_seconds", "Time of a store operation"),
                                 {"operation"}};
  Gauge& listening = gauge("mcpstate_event_subscribers", "Live event streams that are open").Add({});
  Counter& dropped =
      counter("mcpstate_event_subscribers_dropped_total", "Live event streams ended because they were too slow").Add({});
  Counter& resynced =
      counter("mcpstate_event_resyncs_total", "Live event streams that were too slow and got everything anew").Add({});
  labelled<Counter> transitions{
      counter("mcpstate_connection_transitions_total", "Changes of status of connections that this process manages"),
      {"from", "to"}};
  labelled<Counter> failures{
      counter("mcpstate_connection_failures_total", "Connections managed by this process that failed, by error code"),
      {"code"}};
  labelled<Counter> attempts{counter("mcpstate_connect_attempts_total", "Attempts to connect to a server"), {"outcome"}};
  labelled<Histogram> attempt_time{
      histogram("mcpstate_connect_duration_seconds", "Time of an attempt: handshake and tool list"), {"outcome"}};
  labelled<Counter> restarts{
      counter("mcpstate_session_restarts_total", "Sessions that were lost and are open again, by error code of the loss"),
      {"code"}};
  labelled<Counter> refreshes{counter("mcpstate_tools_refreshes_total", "Tool lists read again"), {"outcome"}};
  labelled<Counter> leases{counter("mcpstate_leases_total", "Leases of connections, by what became of them"), {"event"}};
  labelled<Counter> losses{
      counter("mcpstate_store_losses_total", "How often the store may have lost records, by cause; of evicted: keys"),
      {"cause"}};
  Gauge& beat_age =
      gauge("mcpstate_beat_age_seconds", "Time since the store has answered a beat of this process, or since its start")
          .Add({});
  // Written on the store's executor, read wherever metrics are rendered.
  std::atomic<std::chrono::steady_clock::time_point> last_beat{std::chrono::steady_clock::now()};
  Counter& remarks = counter("mcpstate_remarks_total", "Lines for the operator in the log").Add({});
  Gauge& managed_here = gauge("mcpstate_connections_kept", "Connections that this process manages").Add({});
  Gauge& connected = gauge("mcpstate_connections_connected", "Those of them that are CONNECTED").Add({});
  Gauge& waiting = gauge("mcpstate_connections_waiting", "Those of them that wait for their next attempt").Add({});
  Gauge& managed = gauge("mcpstate_connections_managed", "Managed connections in the store, of all processes").Add({});
  Gauge& instances = gauge("mcpstate_instances", "Processes that share the store").Add({});
  Counter& log_dropped =
      counter("mcpstate_log_lines_dropped_total", "Log lines dropped because nobody read them in time").Add({});
  Gauge& build = gauge("mcpstate_build_info", "1; the version is its label").Add({{"version", MCPSTATE_VERSION}});

  // Makes what has a known number of label values, at 0: increase() misses the first count of a series that was not there, and
  // alarms take it for absent.
  void show_known_labels() {
    constexpr std::array all{status::disconnected, status::connecting, status::connected, status::auth_required,
                             status::failed};
    for (const auto from : all) {
      for (const auto to : all) {
        if (from != to) transitions.labels({to_text(from), to_text(to)});
      }
    }
    for (int i = 1; i <= static_cast<int>(errc::bug); ++i) {
      failures.labels({name_of(static_cast<errc>(i))});
      restarts.labels({name_of(static_cast<errc>(i))});
    }
    for (const bool ok : {true, false}) {
      attempts.labels({outcome(ok)});
      attempt_time.labels({outcome(ok)}, long_buckets());
      refreshes.labels({outcome(ok)});
    }
    for (const auto operation : known_operations) {
      operations(operation);
      store.labels({operation, "ok"});
      store_time.labels({operation}, short_buckets());
      for (int i = 1; i <= static_cast<int>(cond::internal); ++i) store.labels({operation, name_of(static_cast<cond>(i))});
    }
    http_time.labels({"none", "GET"}, short_buckets());
    using news = manager_observer::lease_news;
    for (const auto each : {news::taken, news::lost, news::handed_over, news::over}) leases.labels({news_name(each)});
    using cause = manager_observer::loss_cause;
    for (const auto each : {cause::replaced, cause::flushed, cause::evicted}) losses.labels({cause_name(each)});
  }
};

metrics::metrics() : families_(std::make_unique<families>()) {
  families_->build.Set(1);
  families_->show_known_labels();
}
metrics::~metrics() = default;

void metrics::record_request(std::string_view pattern, std::string_view method, unsigned status,
                             std::chrono::microseconds duration) {
  const std::lock_guard lock(families_->mutex);
  const auto route = families_->routes(pattern);
  const auto known = known_method(method);
  const auto text = std::to_string(status);
  families_->http.labels({route, known, status >= 100 && status <= 599 ? std::string_view(text) : other}).Increment();
  families_->http_time.labels({route, known}, short_buckets()).Observe(seconds(duration));
}

void metrics::expect_requests(std::string_view pattern, std::string_view method) {
  const std::lock_guard lock(families_->mutex);
  const auto route = families_->routes(pattern);
  for (const std::string_view status : {"200", "500", "503"}) families_->http.labels({route, known_method(method), status});
}

void metrics::record_store_operation(std::string_view operation, std::optional<cond> failure,
                                     std::chrono::microseconds duration) {
  const std::lock_guard lock(families_->mutex);
  const auto known = families_->operations(operation);
  families_->store.labels({known, failure ? name_of(*failure) : "ok"}).Increment();
  families_->store_time.labels({known}, short_buckets()).Observe(seconds(duration));
}

void metrics::count_rate_limited() { families_->limited.Increment(); }
void metrics::set_event_streams(std::size_t open) { families_->listening.Set(static_cast<double>(open)); }
void metrics::count_event_stream_dropped() { families_->dropped.Increment(); }
void metrics::count_event_stream_resynced() { families_->resynced.Increment(); }

void metrics::set_manager_counts(const manager_counts& counts) {
  families_->managed_here.Set(static_cast<double>(counts.managed_here));
  families_->connected.Set(static_cast<double>(counts.connected));
  families_->waiting.Set(static_cast<double>(counts.waiting));
  families_->managed.Set(static_cast<double>(counts.managed));
  families_->instances.Set(static_cast<double>(counts.instances));
}

void metrics::set_log_lines_dropped(std::uint64_t total) {
  const std::lock_guard lock(families_->mutex);
  const auto added = static_cast<double>(total) - families_->log_dropped.Value();
  if (added > 0) families_->log_dropped.Increment(added);
}

void metrics::on_transition(const managed_name&, status from, status to, std::string_view why) {
  const std::lock_guard lock(families_->mutex);
  families_->transitions.labels({to_text(from), to_text(to)}).Increment();
  if (!why.empty()) families_->failures.labels({known_code(why)}).Increment();
}

void metrics::on_attempt(const managed_name&, bool ok, std::chrono::microseconds took) {
  const std::lock_guard lock(families_->mutex);
  families_->attempts.labels({outcome(ok)}).Increment();
  families_->attempt_time.labels({outcome(ok)}, long_buckets()).Observe(seconds(took));
}

void metrics::on_session_restarted(const managed_name&, std::string_view reason, std::uint64_t) {
  const std::lock_guard lock(families_->mutex);
  families_->restarts.labels({known_code(reason)}).Increment();
}

void metrics::on_tools_refreshed(const managed_name&, bool ok) {
  const std::lock_guard lock(families_->mutex);
  families_->refreshes.labels({outcome(ok)}).Increment();
}

void metrics::on_lease(const managed_name&, lease_news news) {
  const std::lock_guard lock(families_->mutex);
  families_->leases.labels({news_name(news)}).Increment();
}

void metrics::on_store_operation(std::string_view operation, std::optional<cond> failure, std::chrono::microseconds took) {
  record_store_operation(operation, failure, took);
  if (operation == "beat" && !failure) families_->last_beat = std::chrono::steady_clock::now();
}

void metrics::on_data_loss(loss_cause cause, std::uint64_t count) {
  const std::lock_guard lock(families_->mutex);
  families_->losses.labels({cause_name(cause)}).Increment(static_cast<double>(count));
}

void metrics::on_remark(const managed_name*, std::string_view, std::string_view) { families_->remarks.Increment(); }

std::string metrics::render() const {
  const auto since_beat = std::chrono::steady_clock::now() - families_->last_beat.load();
  families_->beat_age.Set(std::chrono::duration<double>(since_beat).count());
  auto collected = families_->registry.Collect();
  append_process(collected);
  std::ostringstream out;
  out.imbue(std::locale::classic());
  prometheus::TextSerializer().Serialize(out, collected);
  return std::move(out).str();
}

}  // namespace mcpstate::service
