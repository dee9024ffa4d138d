# How every target of the project is built. One place for flags, warnings, sanitizers and precompiled headers.

# Flags of all targets, private to the project.
add_library(mcpstate_flags INTERFACE)
target_compile_options(mcpstate_flags INTERFACE -fvisibility=hidden -fvisibility-inlines-hidden)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(mcpstate_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
    -Wimplicit-fallthrough)
  # Several sources in one file: their names meet, and what one keeps to itself is a header's in GCC's eyes.
  set(together "$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>")
  target_compile_options(mcpstate_flags INTERFACE
    "$<$<NOT:${together}>:-Wshadow>" "$<$<AND:${together},$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(mcpstate_flags INTERFACE -Wno-restrict -Wno-stringop-overflow)  # GCC 12 reports std::string concatenations (its bug 105651)
    # What its optimiser believes to see in coroutine frames and strings; the debug, sanitizer and clang builds keep these on.
    target_compile_options(mcpstate_flags INTERFACE
      "$<$<CONFIG:Release>:-Wno-array-bounds;-Wno-stringop-overread;-Wno-maybe-uninitialized>")
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 14 still believes this of Asio's coroutine frames, whose operator new ends in aligned_alloc.
    target_compile_options(mcpstate_flags INTERFACE $<$<CONFIG:Release>:-Wno-mismatched-new-delete>)
  endif()
endif()
# What dpkg-buildflags asks for (hardening=+all): the program parses hostile bytes all day. tests/packaging looks into it.
target_compile_options(mcpstate_flags INTERFACE
  "$<$<CONFIG:Release>:-fstack-protector-strong;-fstack-clash-protection;-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2;-Wformat;-Werror=format-security>")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  target_compile_options(mcpstate_flags INTERFACE $<$<CONFIG:Release>:-fcf-protection>)
endif()
target_link_options(mcpstate_flags INTERFACE "$<$<CONFIG:Release>:-Wl,-z,relro;-Wl,-z,now>")
if(MCPSTATE_WERROR)
  # Not in the release build: each GCC has its own false reports at -O2, and the other builds see the same code.
  target_compile_options(mcpstate_flags INTERFACE $<$<NOT:$<CONFIG:Release>>:-Werror>)
endif()
if(MCPSTATE_SANITIZE)
  target_compile_options(mcpstate_flags INTERFACE -fsanitize=${MCPSTATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(mcpstate_flags INTERFACE -fsanitize=${MCPSTATE_SANITIZE})
  if(MCPSTATE_SANITIZE MATCHES "undefined")
    # Half of the time to compile, and nothing lost here: AddressSanitizer reports a null pointer that is used, and x86 aligns by itself.
    target_compile_options(mcpstate_flags INTERFACE -fno-sanitize=null,alignment)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False reports of GCC 12 out of Boost under sanitizers; silenced here and nowhere else.
    target_compile_options(mcpstate_flags INTERFACE -Wno-maybe-uninitialized -Wno-mismatched-new-delete -Wno-tsan)
  elseif(MCPSTATE_SANITIZE MATCHES "undefined")
    # Before clang 15 it cannot mark coroutines for this check: "Cannot represent a difference across sections".
    target_compile_options(mcpstate_flags INTERFACE -fno-sanitize=function)
  endif()
endif()

# mcpstate_module(core SOURCES a.cpp b.cpp DEPENDS PUBLIC x PRIVATE y [ASIO]): one static library per layer. A layer sees the
# headers of the layers it names, and no others' link interface.
function(mcpstate_module name)
  cmake_parse_arguments(arg "ASIO" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(mcpstate_${name} STATIC ${arg_SOURCES})
  add_library(mcpstate::${name} ALIAS mcpstate_${name})
  set_target_properties(mcpstate_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_compile_features(mcpstate_${name} PUBLIC cxx_std_20)
  target_include_directories(mcpstate_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(mcpstate_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:mcpstate_flags>)
  if(MCPSTATE_UNITY)
    set_target_properties(mcpstate_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
  endif()
  if(arg_ASIO AND TARGET mcpstate_pch_asio)
    target_precompile_headers(mcpstate_${name} REUSE_FROM mcpstate_pch_asio)
  endif()
  # What reads the bytes of peers: without any optimisation a sanitizer makes a turn of it longer than a turn may be. Clang takes no
  # precompiled header that was made without.
  if(MCPSTATE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND name MATCHES "^(core|redis|http|mcp)$")
    target_compile_options(mcpstate_${name} PRIVATE -O1)
    set_target_properties(mcpstate_${name} PROPERTIES PCH_WARN_INVALID OFF)
  endif()
endfunction()

# mcpstate_program(name SOURCES … LIBS … [ASIO]): an executable of the project (tests, benchmarks, the program itself).
function(mcpstate_program name)
  cmake_parse_arguments(arg "ASIO" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  # -fPIC and not CMake's -fPIE: the precompiled header is shared with the libraries, and GCC wants the same.
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  target_link_options(${name} PRIVATE -pie)
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${name} PRIVATE ${arg_LIBS} mcpstate_flags)
  if(arg_ASIO AND TARGET mcpstate_pch_asio)
    target_precompile_headers(${name} REUSE_FROM mcpstate_pch_asio)
  endif()
endfunction()

# The code under test is what users run; the tests themselves only have to compile soon. From version 13 on, GCC does without a
# precompiled header that was made at another level of optimisation, and would say so.
function(mcpstate_compile_soon target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  set_target_properties(${target} PROPERTIES PCH_WARN_INVALID OFF)
endfunction()

# mcpstate_test_parts(name SOURCES … LIBS …): what several test programs share, compiled once, as mcpstate_<name>.
function(mcpstate_test_parts name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  mcpstate_module(${name} ASIO SOURCES ${arg_SOURCES} PUBLIC ${arg_LIBS} GTest::gtest)
  mcpstate_compile_soon(mcpstate_${name})
  target_include_directories(mcpstate_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
endfunction()

# mcpstate_test(name LABEL unit TIMEOUT 60 SOURCES … LIBS … [ASIO] [THREADS] [ARGS …]): a GoogleTest executable, one CTest entry.
# The target tests_<label> builds all programs of a label. THREADS: it has the label threads too, which runs under TSan. The turns of
# the executor are measured in every component test (tests/support/turns).
function(mcpstate_test name)
  cmake_parse_arguments(arg "ASIO;THREADS" "LABEL;TIMEOUT" "SOURCES;LIBS;ARGS" ${ARGN})
  if(arg_ASIO)
    set(asio ASIO)
  endif()
  set(labels ${arg_LABEL})
  if(arg_THREADS)
    list(APPEND labels threads)
  endif()
  if(arg_LABEL STREQUAL component)
    list(APPEND arg_SOURCES $<TARGET_OBJECTS:mcpstate_turns> $<TARGET_OBJECTS:mcpstate_turn_listener>)
  endif()
  mcpstate_program(${name} SOURCES ${arg_SOURCES} LIBS ${arg_LIBS} GTest::gtest GTest::gmock GTest::gtest_main ${asio})
  mcpstate_compile_soon(${name})
  # Test files are many and read the same headers. A debug build, which has no unity, compiles each by itself.
  if(MCPSTATE_UNITY OR CMAKE_BUILD_TYPE STREQUAL "Release")
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
  endif()
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  if(MCPSTATE_SANITIZE)
    math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 3")  # it ends a hang, and sanitizers make everything slower
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${arg_TIMEOUT})
  foreach(label IN LISTS labels)
    add_dependencies(tests_${label} ${name})
  endforeach()
endfunction()
