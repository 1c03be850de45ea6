/* Crash points: each step that touches disk or wire passes one. In test builds (CVM_TEST_HOOKS) the point whose number
 * stands in CVM_CRASH_AT kills the process, and CVM_CRASH_LOG names a file to which every point is written; in others
 * there is nothing. */
#ifndef CVM_HOOKS_H
#define CVM_HOOKS_H

#ifdef CVM_TEST_HOOKS
void hook_point(const char *name);
#define HOOK(name) hook_point(name)
#else
#define HOOK(name) ((void)0)
#endif

#endif
