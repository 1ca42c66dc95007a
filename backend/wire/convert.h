/*
 * The parts that several messages share, between the model and protobuf: timelines, their
 * metadata, tables, wanted fields. Everything that is made lives in the arena or borrows from what
 * it was made of.
 */
#ifndef OTS_WIRE_CONVERT_H
#define OTS_WIRE_CONVERT_H

#include "backend/model/call.h"
#include "backend/wire/proto.h"
#include "backend/wire/timeseries.pb-c.h"

/* Requests carry the tags as a list, responses as a text too, which older SDKs read. */
enum ots_tags_form { OTS_TAGS_LIST, OTS_TAGS_LIST_AND_TEXT };

/* Errors: OTS_NOMEM. */
enum ots_status ots_convert_key_out(const struct ots_series_key *key, enum ots_tags_form form,
                                    struct ots_arena *arena,
                                    Ots__Wire__Timeline *timeline) OTS_MUST_CHECK;
/* Reads the list if it has tags, else the text. Errors: OTS_INVALID (form, a name twice). */
enum ots_status ots_convert_key_in(const Ots__Wire__Timeline *timeline, struct ots_arena *arena,
                                   struct ots_series_key *key,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* Tags or attributes as text. Errors: OTS_NOMEM. */
enum ots_status ots_convert_text_out(const struct ots_tag *tags, size_t count,
                                     struct ots_arena *arena,
                                     ProtobufCBinaryData *bytes) OTS_MUST_CHECK;

enum ots_status ots_convert_meta_out(const struct ots_timeline_meta *meta, struct ots_arena *arena,
                                     Ots__Wire__TimelineMeta *message) OTS_MUST_CHECK;
enum ots_status ots_convert_meta_in(const Ots__Wire__TimelineMeta *message, struct ots_arena *arena,
                                    struct ots_timeline_meta *meta,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* Carries the options that `meta` has, and its status unless that is empty. */
enum ots_status ots_convert_table_out(const struct ots_table_meta *meta, struct ots_arena *arena,
                                      Ots__Wire__Table *message) OTS_MUST_CHECK;
/* Options that the message lacks get their default. Errors: OTS_INVALID (a key column's type). */
enum ots_status ots_convert_table_in(const Ots__Wire__Table *message, struct ots_arena *arena,
                                     struct ots_table_meta *meta,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* The options that the groups carry, with their flags; either group may be NULL. */
void ots_convert_options_in(const Ots__Wire__DataOptions *data,
                            const Ots__Wire__MetaOptions *timelines, struct ots_table_meta *meta);

/* NULL: no memory, unless `count` is 0. */
Ots__Wire__WantedField **ots_convert_wanted_out(const struct ots_field_wanted *fields, size_t count,
                                                struct ots_arena *arena);
/* Errors: OTS_INVALID (an unknown type). */
enum ots_status ots_convert_wanted_in(Ots__Wire__WantedField *const *messages, size_t count,
                                      struct ots_arena *arena,
                                      const struct ots_field_wanted **fields,
                                      struct ots_error *err) OTS_MUST_CHECK;

#endif
