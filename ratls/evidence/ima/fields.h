// The fields of one entry of an IMA list.
#pragma once

#include "ratls/evidence/ima/log.h"
#include "ratls/evidence/ima/template.h"

namespace ratls::ima {

/// Reads `entry.template_data` by the fields of its template into the members that they have in
/// `entry`, whose `violation` is set. Refused: a field of another form than it has, bytes left
/// over, two fields that give different digests of one algorithm. Source: Linux
/// security/integrity/ima/ima_template_lib.c.
Status read_fields(const Template& form, Entry& entry);

}  // namespace ratls::ima
