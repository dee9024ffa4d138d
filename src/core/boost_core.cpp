// SPDX-License-Identifier: MIT
// The parts of Boost that come as source are compiled once, here. Boost.URL is a library of its own since 1.82.
#include <boost/json/src.hpp>
#include <boost/version.hpp>
#if BOOST_VERSION < 108200
#include <boost/url/src.hpp>
#endif
