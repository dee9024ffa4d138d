# mcpstate_fuzz(keys SOURCES keys_fuzz.cpp LIBS mcpstate_core): a fuzz target (LLVMFuzzerTestOneInput).
#
# Its corpus, corpus/<name>/ beside the calling CMakeLists.txt, is replayed as the unit test fuzz_<name> by any compiler, so that
# a target cannot rot. Where MCPSTATE_SANITIZE has a fuzzer (preset fuzz), <name>_fuzz is a libFuzzer program as well, and the
# target `fuzzers` builds all of them.
function(mcpstate_fuzz name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  mcpstate_program(fuzz_${name} SOURCES ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cpp LIBS ${arg_LIBS})
  add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${corpus})
  set_tests_properties(fuzz_${name} PROPERTIES LABELS unit TIMEOUT 60)
  add_dependencies(tests_unit fuzz_${name})
  if(MCPSTATE_SANITIZE MATCHES "fuzzer")
    mcpstate_program(${name}_fuzz SOURCES ${arg_SOURCES} LIBS ${arg_LIBS})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    if(NOT TARGET fuzzers)
      add_custom_target(fuzzers)
    endif()
    add_dependencies(fuzzers ${name}_fuzz)
  endif()
endfunction()
