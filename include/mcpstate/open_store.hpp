// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>

#include <mcpstate/store.hpp>
#include <mcpstate/store_url.hpp>

// Opening the store that a URL names; store_url.hpp lists the URLs.
namespace mcpstate {

// Opens a store and makes sure that it answers: a store that cannot be reached, is too old or refuses the password is an
// error here. The executor must be one thread at a time (a strand, or an io_context with one thread).
task<std::unique_ptr<store>> open_store(asio::any_io_executor executor, std::string url, store_options options);

// Stores of one kind. make_memory_store throws std::invalid_argument for options that check_options refuses.
std::unique_ptr<store> make_memory_store(asio::any_io_executor executor, store_options options);
task<std::unique_ptr<store>> open_sqlite_store(asio::any_io_executor executor, std::string path, store_options options);
task<std::unique_ptr<store>> open_redis_store(asio::any_io_executor executor, store_url url, store_options options);

// The backends of these stores, for decorators: `store` takes any backend.
task<std::unique_ptr<store_backend>> open_backend(asio::any_io_executor executor, std::string url, store_options options);
std::unique_ptr<store_backend> make_memory_backend(asio::any_io_executor executor, store_options options);
task<std::unique_ptr<store_backend>> open_sqlite_backend(asio::any_io_executor executor, std::string path,
                                                         store_options options);
task<std::unique_ptr<store_backend>> open_redis_backend(asio::any_io_executor executor, store_url url,
                                                        store_options options);

}  // namespace mcpstate
