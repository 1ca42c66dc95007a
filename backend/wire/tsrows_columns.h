/*
 * The names of a time-series row's key columns; for tsrows_write.c and tsrows_read.c only.
 */
#ifndef OTS_WIRE_TSROWS_COLUMNS_H
#define OTS_WIRE_TSROWS_COLUMNS_H

#define COLUMN_HASH OTS_SLICE("_#h")
#define COLUMN_MEASUREMENT OTS_SLICE("_m_name")
#define COLUMN_DATA_SOURCE OTS_SLICE("_data_source")
#define COLUMN_TAGS OTS_SLICE("_tags")
#define COLUMN_TIME OTS_SLICE("_time")

#endif
