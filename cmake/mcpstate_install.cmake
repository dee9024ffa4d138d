# What `make install` leaves: the program, the static libraries, the headers, and how CMake and pkg-config find them.
include(CMakePackageConfigHelpers)

# Libraries in the order a linker wants them: each before what it stands on. Not service and cli, which have no public headers.
set(libraries)
foreach(layer manager mcp store http redis net aio pch_asio core)
  if(TARGET mcpstate_${layer})
    list(APPEND libraries mcpstate_${layer})
  endif()
endforeach()

# mcpstate::mcpstate: all of them.
add_library(mcpstate_all INTERFACE)
add_library(mcpstate::mcpstate ALIAS mcpstate_all)
set_target_properties(mcpstate_all PROPERTIES EXPORT_NAME mcpstate)
target_link_libraries(mcpstate_all INTERFACE ${libraries})

install(TARGETS ${libraries} mcpstate_all EXPORT mcpstateTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/mcpstate DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
if(TARGET mcpstate)
  install(TARGETS mcpstate RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mcpstate)
install(EXPORT mcpstateTargets NAMESPACE mcpstate:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/mcpstateConfig.cmake.in ${PROJECT_BINARY_DIR}/mcpstateConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mcpstateConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mcpstateConfig.cmake ${PROJECT_BINARY_DIR}/mcpstateConfigVersion.cmake
        DESTINATION ${package_dir})

# pkg-config: relative to where the file lies, so that the installed tree can be moved.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${pc_dir} OUTPUT_VARIABLE pc_prefix)
list(TRANSFORM libraries PREPEND "-l" OUTPUT_VARIABLE pc_libraries)
list(TRANSFORM pc_libraries REPLACE "mcpstate_pch_asio" "mcpstate_asio")
list(JOIN pc_libraries " " pc_libraries)
if(MCPSTATE_BOOST_URL)
  set(pc_boost "-lboost_url")
endif()
list(TRANSFORM MCPSTATE_ASIO_DEFINITIONS PREPEND "-D" OUTPUT_VARIABLE pc_definitions)
list(JOIN pc_definitions " " pc_definitions)
configure_file(${CMAKE_CURRENT_LIST_DIR}/mcpstate.pc.in ${PROJECT_BINARY_DIR}/mcpstate.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/mcpstate.pc DESTINATION ${pc_dir})
