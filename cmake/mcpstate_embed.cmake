# Files inside a program: CMake alone turns them into a source, at build time, whenever one of them changes.
#
# mcpstate_embed(target function HEADER service/x.hh FILES a.html b.js …): adds to the target a generated source that defines
#     std::optional<asset> mcpstate::service::function(std::string_view path)
# which HEADER declares. A file answers to "/" and its name; index.html also to "/".
#
# This file is also the script that does it (cmake -P).

set(mcpstate_embed_script ${CMAKE_CURRENT_LIST_FILE})

function(mcpstate_embed target function)
  cmake_parse_arguments(arg "" "HEADER" "FILES" ${ARGN})
  list(TRANSFORM arg_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE files)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
  string(REPLACE ";" "|" file_words "${files}")
  add_custom_command(OUTPUT ${output} VERBATIM
    COMMAND ${CMAKE_COMMAND} "-Dfiles=${file_words}" -Dfunction=${function} -Dheader=${arg_HEADER} -Doutput=${output}
            -P ${mcpstate_embed_script}
    DEPENDS ${files} ${mcpstate_embed_script}
    COMMENT "Embedding ${function}")
  target_sources(${target} PRIVATE ${output})
  set_source_files_properties(${output} PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

function(mcpstate_embed_content_type path variable)
  set(html "text/html; charset=utf-8")
  set(js "text/javascript; charset=utf-8")
  set(css "text/css; charset=utf-8")
  set(svg "image/svg+xml")
  set(json "application/json")
  cmake_path(GET path EXTENSION LAST_ONLY extension)
  string(SUBSTRING "${extension}" 1 -1 extension)
  if(NOT DEFINED ${extension})
    message(FATAL_ERROR "mcpstate_embed: which content type is ${path}?")
  endif()
  set(${variable} ${${extension}} PARENT_SCOPE)
endfunction()

function(mcpstate_embed_write files function header output)
  set(arrays)
  set(cases)
  set(number 0)
  foreach(path IN LISTS files)
    file(READ ${path} hex HEX)
    file(SHA256 ${path} sha256)
    string(SUBSTRING ${sha256} 0 32 etag)
    mcpstate_embed_content_type(${path} type)
    cmake_path(GET path FILENAME name)
    if(hex STREQUAL "")
      message(FATAL_ERROR "mcpstate_embed: ${path} is empty")
    endif()
    # Characters, not a string literal: compilers limit those, and these are of the right type for a string_view.
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
    string(APPEND arrays "constexpr char file_${number}[] = {\n${bytes}};\n")
    set(condition "path == \"/${name}\"")
    if(name STREQUAL "index.html")
      string(APPEND condition " || path == \"/\"")
    endif()
    string(APPEND cases "  if (${condition}) {\n"
      "    return asset{\"${type}\", std::string_view(file_${number}, sizeof file_${number}), \"\\\"${etag}\\\"\"};\n  }\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(WRITE ${output} "// Made by mcpstate_embed.cmake.\n#include \"${header}\"\n\nnamespace mcpstate::service {\nnamespace {\n\n"
    "${arrays}\n}  // namespace\n\nstd::optional<asset> ${function}(std::string_view path) {\n${cases}  return std::nullopt;\n}\n\n"
    "}  // namespace mcpstate::service\n")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  cmake_policy(VERSION 3.25)
  string(REPLACE "|" ";" files "${files}")
  mcpstate_embed_write("${files}" ${function} ${header} ${output})
endif()
