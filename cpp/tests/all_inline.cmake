# cmake -DNM=... -DOBJECTS=... -P all_inline.cmake: fails if an object defines a strong symbol in namespace mixed_glm,
# which a second translation unit with the same header would define again.
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND "${NM}" --defined-only -C "${object}" OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  if(NOT symbols MATCHES " W mixed_glm::")
    message(FATAL_ERROR "${object} has no weak symbol of mixed_glm, so nothing was checked")
  endif()
  string(REGEX MATCHALL " [TDBR] mixed_glm::[^\n]*" strong "${symbols}")
  if(strong)
    list(JOIN strong "\n" strong)
    message(FATAL_ERROR "not inline:\n${strong}")
  endif()
endforeach()
