/*
 * What there is to tell of an instance at this moment, collected from its parts.
 */
#ifndef OTS_VIEW_TALLY_H
#define OTS_VIEW_TALLY_H

#include "fs/view/report.h"
#include "fs/view/state.h"

/*
 * Asks nothing of the service. The report borrows from the instance.
 * Errors: OTS_NOMEM; ots_tally_end is needed all the same.
 */
enum ots_status ots_tally(struct ots_instance *instance, struct ots_report *report) OTS_MUST_CHECK;

/* Free what the report has of its own. */
void ots_tally_end(struct ots_report *report);

#endif
