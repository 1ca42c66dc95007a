/*
 * The version of all programs.
 */
#ifndef OTS_BASE_VERSION_H
#define OTS_BASE_VERSION_H

#define OTS_VERSION "0.1.0"

#endif
