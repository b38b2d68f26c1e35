import unittest

import dsql_sim


class Provisioning(unittest.TestCase):
    def test_a_creation_is_retried(self):
        with dsql_sim.simulation(seed=7, faults="drop us-east-1->client-1 times=1") as dsql:
            made = dsql.client("us-east-1").create_cluster()
            self.assertEqual(len(dsql.state()["us-east-1"]), 1)
            self.assertIn("us-east-1", made["arn"])
