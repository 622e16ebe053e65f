"""What the authors of samverkan-sweepstake run: `pytest contract_of_sweepstake.py`."""

from samverkan_sweepstake import Sweepstake

from server.contract_tests import CampaignTypeContract


class TestSweepstake(CampaignTypeContract):
    campaign_type = Sweepstake
