/*
 * The service's limits and those of messages, which both ends keep. What a module bounds for itself
 * stands at its own head.
 *
 * Source of the service's limits: "Limits on the TimeSeries model", Alibaba Cloud documentation,
 * editions 2024 to 2026; checked against the Java, Go and Python SDKs.
 */
#ifndef OTS_MODEL_LIMITS_H
#define OTS_MODEL_LIMITS_H

enum {
    OTS_TABLE_NAME_BYTES_MAX = 128,
    OTS_MEASUREMENT_BYTES_MAX = 128,
    OTS_DATA_SOURCE_BYTES_MAX = 256,
    OTS_TAGS_TEXT_BYTES_MAX = 512,
    OTS_FIELD_NAME_BYTES_MAX = 128,
    OTS_FIELDS_PER_ROW_MAX = 1024,
    OTS_VALUE_BYTES_MAX = 2 * 1024 * 1024,
    OTS_PUT_ROWS_MAX = 200,
    OTS_PUT_BYTES_MAX = 4 * 1024 * 1024,
    OTS_PAGE_ROWS_MAX = 5000,
    OTS_SPLITS_MAX = 256,
    OTS_KEY_SCHEMA_MAX = 6,
    OTS_FIELD_PRIMARY_KEYS_MAX = 4,
    OTS_KEY_FIELD_BYTES_MAX = 1024, /* as in a wide-column table's key */
    OTS_TABLES_MAX = 64,
    OTS_TTL_FOREVER = -1,
    OTS_TTL_SECONDS_MIN = 86400,
    OTS_META_TTL_SECONDS_MIN = 604800,

    /* Ours. A put body of 4 MB of rows grows by its FlatBuffers framing, a page has no limit of
     * its own at the service; both ends refuse what is larger. */
    OTS_REQUEST_BODY_BYTES_MAX = 64 * 1024 * 1024,
    OTS_RESPONSE_BODY_BYTES_MAX = 256 * 1024 * 1024,
    OTS_CONDITION_DEPTH_MAX = 16,
    OTS_META_PAGE_MAX = 5000,
    /* Timelines in one change of metadata, and bytes of one's attributes as text: the service has
     * limits too, but does not tell them. */
    OTS_META_CHANGES_MAX = 1000,
    OTS_ATTRIBUTES_TEXT_BYTES_MAX = 16 * 1024,
};

#endif
