// SPDX-License-Identifier: MIT
// Six functions of Asio under the names that clang before version 18 gives them.
//
// The names hold an expression over templates, which that clang spells in its own way. Without these a program that it compiles does
// not link with a library that GCC compiled. As functions they take what the members take: the object, the property, and the int of
// a constraint.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>

namespace mcpstate::aio {

namespace {

using boost::asio::any_io_executor;
namespace execution = boost::asio::execution;

}  // namespace

// clang-format off
any_io_executor require_never(const any_io_executor& self, const execution::blocking_t::never_t& wanted, int) __asm__(
    "_ZNK5boost4asio15any_io_executor7requireINS0_9execution6detail8blocking7never_tILi0EEEEES1_RKT_NS0_10constrain"
    "tIXsr6traits14require_memberIRKNS3_12any_executorIJNS3_12context_as_tIRNS0_17execution_contextEEES7_NS3_11pref"
    "er_onlyINS5_10possibly_tILi0EEEEENSH_INS4_16outstanding_work9tracked_tILi0EEEEENSH_INSL_11untracked_tILi0EEEEE"
    "NSH_INS4_12relationship6fork_tILi0EEEEENSH_INSS_14continuation_tILi0EEEEEEEESA_EE8is_validEiE4typeE");
any_io_executor require_never(const any_io_executor& self, const execution::blocking_t::never_t& wanted, int) { return self.require(wanted); }

any_io_executor prefer_possibly(const any_io_executor& self, const execution::blocking_t::possibly_t& wanted, int) __asm__(
    "_ZNK5boost4asio15any_io_executor6preferINS0_9execution6detail8blocking10possibly_tILi0EEEEES1_RKT_NS0_10constr"
    "aintIXsr6traits13prefer_memberIRKNS3_12any_executorIJNS3_12context_as_tIRNS0_17execution_contextEEENS5_7never_"
    "tILi0EEENS3_11prefer_onlyIS7_EENSJ_INS4_16outstanding_work9tracked_tILi0EEEEENSJ_INSL_11untracked_tILi0EEEEENS"
    "J_INS4_12relationship6fork_tILi0EEEEENSJ_INSS_14continuation_tILi0EEEEEEEESA_EE8is_validEiE4typeE");
any_io_executor prefer_possibly(const any_io_executor& self, const execution::blocking_t::possibly_t& wanted, int) { return self.prefer(wanted); }

any_io_executor prefer_tracked(const any_io_executor& self, const execution::outstanding_work_t::tracked_t& wanted, int) __asm__(
    "_ZNK5boost4asio15any_io_executor6preferINS0_9execution6detail16outstanding_work9tracked_tILi0EEEEES1_RKT_NS0_1"
    "0constraintIXsr6traits13prefer_memberIRKNS3_12any_executorIJNS3_12context_as_tIRNS0_17execution_contextEEENS4_"
    "8blocking7never_tILi0EEENS3_11prefer_onlyINSH_10possibly_tILi0EEEEENSK_IS7_EENSK_INS5_11untracked_tILi0EEEEENS"
    "K_INS4_12relationship6fork_tILi0EEEEENSK_INSS_14continuation_tILi0EEEEEEEESA_EE8is_validEiE4typeE");
any_io_executor prefer_tracked(const any_io_executor& self, const execution::outstanding_work_t::tracked_t& wanted, int) { return self.prefer(wanted); }

any_io_executor prefer_untracked(const any_io_executor& self, const execution::outstanding_work_t::untracked_t& wanted, int) __asm__(
    "_ZNK5boost4asio15any_io_executor6preferINS0_9execution6detail16outstanding_work11untracked_tILi0EEEEES1_RKT_NS"
    "0_10constraintIXsr6traits13prefer_memberIRKNS3_12any_executorIJNS3_12context_as_tIRNS0_17execution_contextEEEN"
    "S4_8blocking7never_tILi0EEENS3_11prefer_onlyINSH_10possibly_tILi0EEEEENSK_INS5_9tracked_tILi0EEEEENSK_IS7_EENS"
    "K_INS4_12relationship6fork_tILi0EEEEENSK_INSS_14continuation_tILi0EEEEEEEESA_EE8is_validEiE4typeE");
any_io_executor prefer_untracked(const any_io_executor& self, const execution::outstanding_work_t::untracked_t& wanted, int) { return self.prefer(wanted); }

any_io_executor prefer_fork(const any_io_executor& self, const execution::relationship_t::fork_t& wanted, int) __asm__(
    "_ZNK5boost4asio15any_io_executor6preferINS0_9execution6detail12relationship6fork_tILi0EEEEES1_RKT_NS0_10constr"
    "aintIXsr6traits13prefer_memberIRKNS3_12any_executorIJNS3_12context_as_tIRNS0_17execution_contextEEENS4_8blocki"
    "ng7never_tILi0EEENS3_11prefer_onlyINSH_10possibly_tILi0EEEEENSK_INS4_16outstanding_work9tracked_tILi0EEEEENSK_"
    "INSO_11untracked_tILi0EEEEENSK_IS7_EENSK_INS5_14continuation_tILi0EEEEEEEESA_EE8is_validEiE4typeE");
any_io_executor prefer_fork(const any_io_executor& self, const execution::relationship_t::fork_t& wanted, int) { return self.prefer(wanted); }

any_io_executor prefer_continuation(const any_io_executor& self, const execution::relationship_t::continuation_t& wanted, int) __asm__(
    "_ZNK5boost4asio15any_io_executor6preferINS0_9execution6detail12relationship14continuation_tILi0EEEEES1_RKT_NS0"
    "_10constraintIXsr6traits13prefer_memberIRKNS3_12any_executorIJNS3_12context_as_tIRNS0_17execution_contextEEENS"
    "4_8blocking7never_tILi0EEENS3_11prefer_onlyINSH_10possibly_tILi0EEEEENSK_INS4_16outstanding_work9tracked_tILi0"
    "EEEEENSK_INSO_11untracked_tILi0EEEEENSK_INS5_6fork_tILi0EEEEENSK_IS7_EEEEESA_EE8is_validEiE4typeE");
any_io_executor prefer_continuation(const any_io_executor& self, const execution::relationship_t::continuation_t& wanted, int) { return self.prefer(wanted); }
// clang-format on

}  // namespace mcpstate::aio
