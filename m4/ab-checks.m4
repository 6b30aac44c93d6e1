# SPDX-License-Identifier: GPL-3.0-or-later

# AB_NEED_PKG(VARIABLE, PKG-CONFIG NAME, DEBIAN PACKAGE)
AC_DEFUN([AB_NEED_PKG], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [AC_MSG_ERROR([$2 is missing: apt-get install $3])])
])

# AB_NEED_LIB(VARIABLE, HEADER, LIBRARY, FUNCTION, DEBIAN PACKAGE)
AC_DEFUN([AB_NEED_LIB], [
  ab_save_libs=$LIBS
  ab_save_cppflags=$CPPFLAGS
  # bfd.h refuses to be included without a config.h of its user.
  CPPFLAGS="$CPPFLAGS -DPACKAGE=1 -DPACKAGE_VERSION=1"
  AC_CHECK_HEADER([$2], [], [AC_MSG_ERROR([$2 is missing: apt-get install $5])])
  CPPFLAGS=$ab_save_cppflags
  AC_CHECK_LIB([$3], [$4], [$1_LIBS=-l$3], [AC_MSG_ERROR([lib$3 is missing: apt-get install $5])])
  LIBS=$ab_save_libs
  AC_SUBST([$1_LIBS])
])

# AB_NEED_PROG(VARIABLE, PROGRAM, DEBIAN PACKAGE)
AC_DEFUN([AB_NEED_PROG], [
  AC_PATH_PROG([$1], [$2])
  AS_IF([test -z "$$1"], [AC_MSG_ERROR([$2 is missing: apt-get install $3])])
])

# AB_NEED_M32: the compiler must produce i386 code (guests and stubs; no 32-bit C library is needed).
AC_DEFUN([AB_NEED_M32], [
  AC_MSG_CHECKING([whether $CC -m32 works])
  ab_save_cflags=$CFLAGS
  CFLAGS="$CFLAGS -m32 -ffreestanding"
  AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int f(void) { return sizeof(long) == 4; }]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([the compiler cannot produce i386 code: apt-get install gcc])])
  CFLAGS=$ab_save_cflags
])

# AB_WARNINGS: sets AB_CFLAGS. --enable-werror turns warnings into errors, as CI does.
AC_DEFUN([AB_WARNINGS], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])])
  AB_CFLAGS="-std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes"
  AS_IF([test "x$enable_werror" = xyes], [AB_CFLAGS="$AB_CFLAGS -Werror"])
  AC_SUBST([AB_CFLAGS])
])

# AB_SANITIZE: --enable-sanitizers builds the tools with ASan and UBSan.
AC_DEFUN([AB_SANITIZE], [
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers], [build the tools with AddressSanitizer and UBSan])])
  AS_IF([test "x$enable_sanitizers" = xyes],
    [AB_SANFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"])
  AC_SUBST([AB_SANFLAGS])
])

# AB_GCC_PLUGIN: can a plugin be built for the gcc that guests are compiled with? Sets PLUGIN_CPPFLAGS and the
# conditional PLUGIN. Without one all else works.
AC_DEFUN([AB_GCC_PLUGIN], [
  AC_MSG_CHECKING([for the headers of gcc's plugins])
  PLUGIN_CPPFLAGS="-I$(gcc -print-file-name=plugin)/include"
  AC_LANG_PUSH([C++])
  ab_save_cppflags=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS $PLUGIN_CPPFLAGS"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include "gcc-plugin.h"]], [[]])],
    [ab_plugin=yes], [ab_plugin=no])
  CPPFLAGS=$ab_save_cppflags
  AC_LANG_POP([C++])
  AC_MSG_RESULT([$ab_plugin])
  AS_IF([test $ab_plugin = no],
    [AC_MSG_WARN([without the plugin there is no -fafterburn-profile: apt-get install g++ gcc-$(gcc -dumpversion)-plugin-dev])])
  AC_SUBST([PLUGIN_CPPFLAGS])
  AM_CONDITIONAL([PLUGIN], [test $ab_plugin = yes])
])
