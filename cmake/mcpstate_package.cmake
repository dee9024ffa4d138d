# `make package`: a Debian package of the program and its systemd unit, without the library. The unit names /usr/bin, so it is no
# part of an ordinary install. What it depends on is what the program was linked with, so it fits the Debian that it was built on.
install(FILES ${PROJECT_SOURCE_DIR}/packaging/mcpstate.service DESTINATION lib/systemd/system COMPONENT package EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/mcpstate.default DESTINATION /etc/default RENAME mcpstate
        COMPONENT package EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/mcpstate RENAME copyright COMPONENT package EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/prometheus-rules.yml DESTINATION share/doc/mcpstate COMPONENT package EXCLUDE_FROM_ALL)
install(TARGETS mcpstate RUNTIME DESTINATION bin COMPONENT package EXCLUDE_FROM_ALL)

# mcpstate_package_page(page.md): a page of the manual as the package has it. All pages lie in one folder there; pictures are left out,
# and so are links to files of the source, whose texts stay.
set(package_pages README.md CHANGELOG.md SECURITY.md docs/http.md docs/operations.md docs/redis.md docs/mcp.md
  docs/backup.md docs/compatibility.md docs/reliability.md)
set(package_page_names ${package_pages})
list(TRANSFORM package_page_names REPLACE "^docs/" "")
function(mcpstate_package_page page)
  cmake_path(GET page FILENAME name)
  file(READ ${PROJECT_SOURCE_DIR}/${page} text)
  string(REGEX REPLACE "!\\[[^]]*\\]\\([^)]*\\)\n?" "" text "${text}")
  string(REGEX MATCHALL "\\[[^]]*\\]\\([^):]+\\)" links "${text}")
  foreach(link IN LISTS links)
    string(REGEX REPLACE "^\\[([^]]*)\\]\\((docs/|\\.\\./)?([^)#]*)(#?[^)]*)\\)$" "\\3" target "${link}")
    string(REGEX REPLACE "^\\[([^]]*)\\]\\((docs/|\\.\\./)?([^)#]*)(#?[^)]*)\\)$" "\\1" words "${link}")
    string(REGEX REPLACE "^\\[([^]]*)\\]\\((docs/|\\.\\./)?([^)#]*)(#?[^)]*)\\)$" "\\4" part "${link}")
    if(target STREQUAL "" OR target IN_LIST package_page_names)
      string(REPLACE "${link}" "[${words}](${target}${part})" text "${text}")
    else()
      string(REPLACE "${link}" "${words}" text "${text}")
    endif()
  endforeach()
  file(WRITE ${PROJECT_BINARY_DIR}/package/${name} "${text}")
  install(FILES ${PROJECT_BINARY_DIR}/package/${name} DESTINATION share/doc/mcpstate COMPONENT package EXCLUDE_FROM_ALL)
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${page})
endfunction()
foreach(page IN LISTS package_pages)
  mcpstate_package_page(${page})
endforeach()

# Nobody receives mail for the project (SECURITY.md), and the field wants an address: .invalid says so (RFC 2606).
set(CPACK_PACKAGE_CONTACT "The mcpstate authors <nobody@mcpstate.invalid>")

# What Debian wants to find beside the documents: a changelog of the package.
configure_file(${PROJECT_SOURCE_DIR}/packaging/changelog.in ${PROJECT_BINARY_DIR}/package/changelog @ONLY)
find_program(MCPSTATE_GZIP gzip REQUIRED)
execute_process(COMMAND ${MCPSTATE_GZIP} -9nf ${PROJECT_BINARY_DIR}/package/changelog COMMAND_ERROR_IS_FATAL ANY)
install(FILES ${PROJECT_BINARY_DIR}/package/changelog.gz DESTINATION share/doc/mcpstate COMPONENT package EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mcpstate)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL package)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_PACKAGE_NAME mcpstate)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "connection state for multi-user MCP hosts
Keeps, for every user and every anonymous session of a host, which MCP
servers they are connected to, whether each is up, and which tools it
offers. The state lives in Redis or Valkey, or in one SQLite file. The
program is a command line and a service with an HTTP API, live events,
metrics and a dashboard.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "redis-server | valkey-server")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(package_scripts postinst postrm prerm conffiles)
list(TRANSFORM package_scripts PREPEND ${PROJECT_SOURCE_DIR}/packaging/)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${package_scripts}")
include(CPack)
