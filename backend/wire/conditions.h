/*
 * Conditions of QueryTimeseriesMeta as messages: each is wrapped as bytes in its parent.
 *
 * Source: java model/timeseries/CompositeMetaQueryCondition and its siblings.
 */
#ifndef OTS_WIRE_CONDITIONS_H
#define OTS_WIRE_CONDITIONS_H

#include "backend/model/condition.h"
#include "backend/wire/proto.h"
#include "backend/wire/timeseries.pb-c.h"

/* Errors: OTS_INVALID (what ots_condition_check refuses), OTS_NOMEM. */
enum ots_status ots_conditions_out(const struct ots_condition *condition, struct ots_arena *arena,
                                   Ots__Wire__Condition *message,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* Errors: OTS_CORRUPT, OTS_INVALID (what ots_condition_check refuses), OTS_NOMEM. */
enum ots_status ots_conditions_in(const Ots__Wire__Condition *message, struct ots_arena *arena,
                                  const struct ots_condition **condition,
                                  struct ots_error *err) OTS_MUST_CHECK;

#endif
