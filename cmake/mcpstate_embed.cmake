# Files inside a program: CMake alone turns them into a source, at build time, whenever one of them changes.
#
# mcpstate_embed(target function HEADER service/x.hh FILES a.html b.js …): adds to the target a generated source that defines
#     std::optional<asset> mcpstate::service::function(std::string_view path)
# which HEADER declares. A file answers to "/" and its name; index.html also to "/".
#
#   TEXT            the function answers std::optional<std::string_view>. A line "-- include: PATH" of a file stands for that file,
#                   PATH being relative to the file with the line
#   NAMESPACE name  of the function
#   DIRECTORY dir   where FILES and PARTS are, if not here
#   PARTS …         files that FILES include
#
# This file is also the script that does it (cmake -P). With -Dassembled=DIRECTORY and -Dfiles=a|b it writes the texts as they would
# be embedded into that directory, for a linter.

function(mcpstate_embed target function)
  cmake_parse_arguments(arg "TEXT" "HEADER;NAMESPACE;DIRECTORY" "FILES;PARTS" ${ARGN})
  if(NOT arg_DIRECTORY)
    set(arg_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  if(NOT arg_NAMESPACE)
    set(arg_NAMESPACE mcpstate::service)
  endif()
  list(TRANSFORM arg_FILES PREPEND ${arg_DIRECTORY}/ OUTPUT_VARIABLE files)
  list(TRANSFORM arg_PARTS PREPEND ${arg_DIRECTORY}/ OUTPUT_VARIABLE parts)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
  string(REPLACE ";" "|" file_words "${files}")
  add_custom_command(OUTPUT ${output} VERBATIM
    COMMAND ${CMAKE_COMMAND} "-Dfiles=${file_words}" -Dfunction=${function} -Dheader=${arg_HEADER} -Dnamespace=${arg_NAMESPACE}
            -Dtext=${arg_TEXT} -Doutput=${output} -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${files} ${parts} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
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

# The text of a file, with the files that it includes.
function(mcpstate_embed_text path variable)
  file(READ ${path} text)
  cmake_path(GET path PARENT_PATH directory)
  string(REGEX MATCHALL "-- include: [^\n]+\n" lines "${text}")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "-- include: ([^\n]+)\n" "\\1" part "${line}")
    mcpstate_embed_text(${directory}/${part} part_text)
    string(REPLACE "${line}" "${part_text}" text "${text}")
  endforeach()
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()

function(mcpstate_embed_bytes path text variable)
  if(text)
    mcpstate_embed_text(${path} content)
    string(HEX "${content}" hex)
  else()
    file(READ ${path} hex HEX)
  endif()
  if(hex STREQUAL "")
    message(FATAL_ERROR "mcpstate_embed: ${path} is empty")
  endif()
  # Characters, not a string literal: compilers limit those, and these are of the right type for a string_view.
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  set(${variable} "${bytes}" PARENT_SCOPE)
endfunction()

function(mcpstate_embed_write)
  set(type asset)
  if(text)
    set(type std::string_view)
  endif()
  set(arrays)
  set(cases)
  set(number 0)
  foreach(path IN LISTS files)
    mcpstate_embed_bytes(${path} "${text}" bytes)
    string(APPEND arrays "constexpr char file_${number}[] = {\n${bytes}};\n")
    cmake_path(GET path FILENAME name)
    set(condition "path == \"/${name}\"")
    if(name STREQUAL "index.html")
      string(APPEND condition " || path == \"/\"")
    endif()
    set(value "std::string_view(file_${number}, sizeof file_${number})")
    if(NOT text)
      mcpstate_embed_content_type(${path} content_type)
      file(SHA256 ${path} sha256)
      string(SUBSTRING ${sha256} 0 32 etag)
      set(value "asset{\"${content_type}\", ${value}, \"\\\"${etag}\\\"\"}")
    endif()
    string(APPEND cases "  if (${condition}) {\n    return ${value};\n  }\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(WRITE ${output} "// Made by mcpstate_embed.cmake.\n#include \"${header}\"\n\nnamespace ${namespace} {\nnamespace {\n\n"
    "${arrays}\n}  // namespace\n\nstd::optional<${type}> ${function}(std::string_view path) {\n${cases}  return std::nullopt;\n}\n\n"
    "}  // namespace ${namespace}\n")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  cmake_policy(VERSION 3.25)
  string(REPLACE "|" ";" files "${files}")
  if(DEFINED assembled)
    foreach(path IN LISTS files)
      cmake_path(GET path FILENAME name)
      mcpstate_embed_text(${path} content)
      file(WRITE ${assembled}/${name} "${content}")
    endforeach()
  else()
    mcpstate_embed_write()
  endif()
endif()
