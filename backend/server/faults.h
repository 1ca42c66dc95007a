/*
 * Misbehaviour on purpose: a layer between the listener and the service, around the service's
 * calls, and under its clock. Does nothing until it is told to.
 *
 * Threads: safe.
 */
#ifndef OTS_SERVER_FAULTS_H
#define OTS_SERVER_FAULTS_H

#include "backend/base/clock.h"
#include "backend/server/service.h"

struct ots_faults;

/* `clock` is borrowed. NULL without memory. */
struct ots_faults *ots_faults_new(const struct ots_clock *clock);
void ots_faults_free(struct ots_faults *faults); /* accepts NULL */

/* For the service's options. */
struct ots_caller *ots_faults_caller(struct ots_faults *faults);
const struct ots_clock *ots_faults_clock(const struct ots_faults *faults);

/* The layer over `next`, which is borrowed. */
struct ots_handler *ots_faults_handler(struct ots_faults *faults, struct ots_handler *next);

/* From now on, and instead of before. Errors: as ots_fault_config_parse, OTS_NOMEM. */
enum ots_status ots_faults_set(struct ots_faults *faults, struct ots_slice json,
                               struct ots_error *err) OTS_MUST_CHECK;
void ots_faults_clear(struct ots_faults *faults);
/* Append a JSON document. Errors: OTS_NOMEM. */
enum ots_status ots_faults_print(struct ots_faults *faults, struct ots_buf *json) OTS_MUST_CHECK;

#endif
