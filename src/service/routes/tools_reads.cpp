// SPDX-License-Identifier: MIT
#include "service/routes/tools_reads.hh"

#include <algorithm>
#include <list>
#include <utility>

#include <mcpstate/aio/offload.hpp>

#include "aio/event.hh"
#include "aio/executor_check.hh"
#include "service/routes/measured.hh"

namespace mcpstate::service {

namespace {

constexpr std::size_t max_sizes = 20'000;        // owners whose last size is remembered, about 2 MB; a full map is emptied
constexpr std::size_t large_list = 1024 * 1024;  // bytes; a list that may be larger is measured before it is read

using texts = std::vector<std::shared_ptr<const std::string>>;

// The tools of each record; null where it has none.
texts tools_of(const owner_snapshot& records) {
  texts out;
  for (const connection& record : records) out.push_back(record.tools);
  return out;
}

std::size_t size_of(const texts& tools) {
  std::size_t out = 0;
  for (const auto& one : tools) out += one ? one->size() : 0;
  return out;
}

std::vector<list_facts> inspect(known_lists& lists, const texts& tools) {
  std::vector<list_facts> out;
  for (const auto& one : tools) out.push_back(one ? lists.inspect(*one) : list_facts());
  return out;
}

asio::awaitable<std::vector<list_facts>> inspect_anywhere(process_services& process, texts tools) {
  if (size_of(tools) <= quick_text_bytes) co_return inspect(process.lists, tools);
  auto job = [&lists = process.lists, tools = std::move(tools)] { return inspect(lists, tools); };
  auto work = aio::offload(process.background, std::move(job));
  co_return co_await std::move(work);
}

// What the tools of these records take, as far as the records know.
std::size_t size_told_by(const owner_snapshot& records) {
  std::size_t out = 0;
  for (const connection& record : records) out += static_cast<std::size_t>(record.info.tools_bytes.value_or(0));
  return out;
}

}  // namespace

problem no_room(const byte_budget& answers, std::size_t bytes) {
  if (answers.exceeds_share(bytes))
    return problem(problem_kind::answer_too_large,
                   "the answer has " + std::to_string(bytes) + " bytes, and what is held for one owner is " +
                       std::to_string(answers.share()) + "; read the tools of one connection at a time");
  return problem(problem_kind::busy, "too many large answers are under way that their clients have not read; try again");
}

// A read that has not begun, or is under way, with all who wait for it.
struct tools_reads::shared_read {
  explicit shared_read(std::string what) : wanted(std::move(what)) {}
  std::string wanted;
  std::size_t readers = 0;
  aio::event changed;
  std::optional<tools_answer> answer;
};

struct tools_reads::owner_queue {
  std::list<std::shared_ptr<shared_read>> waiting;  // not begun
  bool reading = false;
  std::size_t readers = 0;
};

// A reader's place in the queue of its owner, from its request to its answer.
struct tools_reads::queued_reader {
  queued_reader(tools_reads& all, const owner& account, std::string wanted) : queues(all.queues_), key(account) {
    queue = &queues[key];
    const auto same = [&wanted](const auto& one) { return one->wanted == wanted; };
    const auto found = std::ranges::find_if(queue->waiting, same);
    shared = found != queue->waiting.end() ? *found
                                           : queue->waiting.emplace_back(std::make_shared<shared_read>(std::move(wanted)));
    ++queue->readers;
    ++shared->readers;
  }
  queued_reader(const queued_reader&) = delete;
  queued_reader& operator=(const queued_reader&) = delete;
  ~queued_reader() {
    if (leads) {
      queue->reading = false;
      if (!shared->answer) shared->answer = tools_answer(problem(problem_kind::internal, "the read has failed"));
      shared->changed.notify();
    }
    if (--shared->readers == 0) queue->waiting.remove(shared);
    if (!queue->reading && !queue->waiting.empty()) queue->waiting.front()->changed.notify();
    if (--queue->readers == 0) queues.erase(key);
  }

  [[nodiscard]] bool may_lead() const { return !queue->reading && queue->waiting.front() == shared; }
  void lead() {
    queue->waiting.pop_front();
    queue->reading = leads = true;
  }

  std::map<owner, owner_queue>& queues;
  owner key;
  owner_queue* queue = nullptr;
  std::shared_ptr<shared_read> shared;
  bool leads = false;
};

tools_reads::tools_reads(mcpstate::store& read_store, process_services& process) : store_(read_store), process_(process) {}
tools_reads::~tools_reads() = default;

asio::awaitable<tools_answer> tools_reads::read(owner account, std::optional<server_name> server) {
  co_await asio::this_coro::throw_if_cancelled(false);
  aio::assert_on_executor(store_.executor());
  queued_reader reader(*this, account, server ? server->text() : std::string());  // no name is empty
  while (!reader.shared->answer && !reader.may_lead()) {
    const bool woken = co_await reader.shared->changed.wait();
    if (!woken) co_return tools_answer(problem(problem_kind::shutting_down, "the read was cancelled"));
  }
  if (reader.shared->answer) co_return *reader.shared->answer;
  reader.lead();
  auto reading = read_now(account, std::move(server));
  auto answer = co_await std::move(reading);
  reader.shared->answer = std::move(answer);
  co_return *reader.shared->answer;
}

asio::awaitable<tools_answer> tools_reads::read_now(owner account, std::optional<server_name> server) {
  const auto view = std::make_shared<tools_view>();
  view->room = process_.answers.open(account.text());
  auto reading = server ? read_one(account, view, std::move(*server)) : read_all(account, view);
  auto refused = co_await std::move(reading);
  if (refused) co_return tools_answer(std::move(*refused));
  auto tools = tools_of(*view->records);
  const std::size_t bytes = size_of(tools);
  if (!server) remember_size(account, bytes);
  if (bytes > small_answer_bytes && !view->room.resize(bytes)) co_return tools_answer(no_room(process_.answers, bytes));
  auto inspecting = inspect_anywhere(process_, std::move(tools));
  view->lists = co_await std::move(inspecting);
  tools_answer out;
  out.view = view;
  co_return out;
}

asio::awaitable<std::optional<problem>> tools_reads::read_one(owner account, std::shared_ptr<tools_view> view,
                                                              server_name server) {
  auto work = store_.get(account, std::move(server), tools_wanted::yes);
  auto found = co_await measured(process_, "get", std::move(work));
  if (!found) co_return problem_of(found.error());
  std::vector<connection> records;
  if (*found) records.push_back(std::move(**found));
  view->records = std::make_shared<const owner_snapshot>(account, std::move(records), tools_wanted::yes);
  co_return std::nullopt;
}

asio::awaitable<std::optional<problem>> tools_reads::read_all(owner account, std::shared_ptr<tools_view> view) {
  auto expecting = expect_size(account);
  const auto expected = co_await std::move(expecting);
  if (!expected) co_return problem_of(expected.error());
  if (*expected > small_answer_bytes && !view->room.resize(*expected)) co_return no_room(process_.answers, *expected);
  auto work = store_.list(account, tools_wanted::yes);
  const auto all = co_await measured(process_, "list", std::move(work));
  if (!all) co_return problem_of(all.error());
  view->records = *all;
  co_return std::nullopt;
}

// How large the tools of all records are, about: what cannot be held is not even read. Small lists are read at once the next
// time; should one have grown meanwhile, it is the only one of its owner.
task<std::size_t> tools_reads::expect_size(owner account) {
  const auto known = sizes_.find(account.text());
  if (known != sizes_.end() && known->second <= large_list) co_return known->second;
  auto work = store_.list(account, tools_wanted::no);
  const auto all = co_await measured(process_, "list", std::move(work));
  if (!all) co_return all.error();
  co_return size_told_by(**all);
}

void tools_reads::remember_size(const owner& account, std::size_t bytes) {
  if (sizes_.size() >= max_sizes) sizes_.clear();
  sizes_[account.text()] = bytes;
}

}  // namespace mcpstate::service
