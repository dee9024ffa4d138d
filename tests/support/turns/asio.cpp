// SPDX-License-Identifier: MIT
// Asio, compiled once, as aio/boost_asio.cpp does, with a turn around each handler. CMakeLists.txt makes the changed copies of two of
// its headers. Objects that stand before the libraries: what they define is not taken from there.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
