/*
 * The port `.write` of a table: takes lines of any measurement and timeline.
 *
 * Each open file of it gathers rows, and hands them over when they are many, when the oldest is a
 * second old, and at flush; until then rows of one timeline and time are merged. A file that is
 * closed while its rows cannot go yet lives on until they are gone.
 *
 * Threads: safe.
 */
#ifndef OTS_VIEW_PORT_H
#define OTS_VIEW_PORT_H

#include "fs/view/file.h"

enum { OTS_PORT_AGE_US = 1000000 };

extern const struct ots_slice OTS_PORT_NAME;

/* The table's port, listed. The view's lock is held. Errors: OTS_NOMEM. */
enum ots_status ots_port_find_locked(struct ots_view *view, struct ots_node *table,
                                     struct ots_node **port) OTS_MUST_CHECK;

/* Errors: OTS_DENIED (for reading), OTS_UNSUPPORTED (several rows of one time in that table). */
enum ots_status ots_port_open(struct ots_node *port, unsigned mode, struct ots_file **out,
                              struct ots_error *err) OTS_MUST_CHECK;

/*
 * Hand over what is old enough, as far as that needs no waiting. Returns whether rows are left.
 * For the view's sender.
 */
bool ots_ports_send_older(struct ots_view *view);

/*
 * Hand over what all open files of the table's port have gathered.
 * Errors: OTS_CANCELLED, OTS_IO.
 */
enum ots_status ots_ports_hand_over(struct ots_table *table, struct ots_interrupt *interrupt,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* Hand over all, at the end of the view: no file is open any more. The sender must run. */
void ots_ports_end(struct ots_view *view);

#endif
