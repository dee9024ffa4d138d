# Boost 1.81 (Debian 12) or newer (Debian 13 has 1.83). Headers are enough, but for Boost.URL: up to 1.81 it comes as a source that
# core/boost_core.cpp compiles, since 1.82 as a library, which MCPSTATE_BOOST_URL names. The static one is taken, so that the
# program needs no Boost where it runs.
find_package(Boost 1.81 CONFIG REQUIRED)
set(MCPSTATE_BOOST_URL)
set(MCPSTATE_BOOST_COMPONENTS)  # what find_package(mcpstate) looks for
if(Boost_VERSION VERSION_GREATER_EQUAL 1.82)
  set(MCPSTATE_BOOST_URL Boost::url)
  set(MCPSTATE_BOOST_COMPONENTS "COMPONENTS url")
  set(Boost_USE_STATIC_LIBS ON)
  find_package(Boost ${Boost_VERSION} EXACT CONFIG REQUIRED COMPONENTS url)
  unset(Boost_USE_STATIC_LIBS)
endif()
