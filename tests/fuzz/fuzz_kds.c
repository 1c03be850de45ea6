/* Any bytes as an answer of AMD's KDS, to each of the questions: nothing but AMD's own is taken, and none of that is in
 * the corpus. The first byte chooses product and branch. */
#include "relayer/collateral/kds_check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct roots roots;
    static const uint8_t hwid[64] = {0xa0, 0xa1, 0xa2};
    if (roots.count == 0 && !roots_init(&roots, NULL))
        abort();
    if (size == 0)
        return 0;
    struct bytes body = bytes_from(data + 1, size - 1);
    enum snp_product product = SNP_MILAN + data[0] % 3;
    for (enum kds_thing thing = KDS_CHAIN; thing <= KDS_LEAF; thing++) {
        int64_t expires_s;
        const struct kds_want want = {.thing = thing,
                                      .product = product,
                                      .branch = data[0] & 4 ? KDS_VLEK : KDS_VCEK,
                                      .hwid = bytes_from(hwid, product == SNP_TURIN ? 8 : 64),
                                      .chain = body};
        if (kds_check(&expires_s, &want, body, &roots, 1767225600, NULL))
            abort();
    }
    return 0;
}
