// SPDX-License-Identifier: MIT
// The parts of Boost that come as source: compiled once, here.
#include <boost/json/src.hpp>
#include <boost/url/src.hpp>
