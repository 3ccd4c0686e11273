// mixed_glm._cpu: compiled for the plainest processor, it tells which of the _core_* modules this
// one can run. Written against Python's own interface: with pybind11 these few lines take as long
// to compile as half the core.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "cpu_features.hpp"

namespace {

PyObject* x86_64_level(PyObject*, PyObject*) {
  return PyLong_FromLong(mixed_glm_cpu::x86_64_level());
}

PyMethodDef methods[] = {
    {"x86_64_level", x86_64_level, METH_NOARGS,
     "x86_64_level()\n--\n\n"
     "Highest x86-64 level (1 to 4) of this processor; 0 on other architectures."},
    {nullptr, nullptr, 0, nullptr}};

PyModuleDef_Slot slots[] = {
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, nullptr}};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_cpu", nullptr, 0, methods, slots, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__cpu() { return PyModuleDef_Init(&definition); }
