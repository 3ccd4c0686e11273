# The row kernels of the C++ core for Cython:  from mixed_glm.kernels cimport PoissonLog, evaluate_rows, order_2
#
# A kernel takes two numbers a and b for each row, which its encode() makes from the response, the number of trials and
# the weight; the log density is evaluate(eta, a, b).value + encode(...).constant. Compile as C++17 with the flags of
# `python -m mixed_glm --cflags`.
#
# evaluate_rows[order_k, Kernel](kernel, n, eta, a, b, value, d1, d2, d3) fills the log densities (without the constant)
# of n rows and their first k derivatives in eta; the pointers of higher derivatives may be NULL.


cdef extern from "mixed_glm/families/row_derivatives.hpp" namespace "mixed_glm" nogil:
    cdef cppclass RowDerivatives:
        double value, d1, d2, d3

    cdef cppclass RowCode:
        double a, b, constant


cdef extern from "mixed_glm/families/family.hpp" namespace "mixed_glm" nogil:
    # What all kernels have in common. C++ has no such class (the kernels are templates' arguments, not heirs), so it
    # can be called through its heirs only.
    cdef cppclass KernelMembers:
        RowDerivatives evaluate(double eta, double a, double b) noexcept
        RowCode encode(double y, double trials, double weight) noexcept
        double initial_eta(double a, double b) noexcept
        double mean(double eta) noexcept

    cdef cppclass BinomialLogit(KernelMembers):
        pass

    cdef cppclass BinomialProbit(KernelMembers):
        pass

    cdef cppclass BinomialCloglog(KernelMembers):
        pass

    cdef cppclass BinomialLoglog(KernelMembers):
        pass

    cdef cppclass PoissonLog(KernelMembers):
        pass

    cdef cppclass NegativeBinomialLog(KernelMembers):
        NegativeBinomialLog(double alpha) except +

    cdef cppclass ExponentialLog(KernelMembers):
        pass


# A number as an argument of a template: evaluate_rows[order_2, PoissonLog](...) is mixed_glm::evaluate_rows<2, PoissonLog>.
cdef extern from *:
    ctypedef int order_0 "0"
    ctypedef int order_1 "1"
    ctypedef int order_2 "2"
    ctypedef int order_3 "3"


cdef extern from "mixed_glm/families/evaluate_rows.hpp" namespace "mixed_glm" nogil:
    void evaluate_rows[Order, Kernel](
        const Kernel& kernel, Py_ssize_t n, const double* eta, const double* a, const double* b,
        double* value, double* d1, double* d2, double* d3) noexcept
