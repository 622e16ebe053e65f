"""The GraphQL documents of the main job, ready to be pasted into GraphiQL."""

CREATE_DISTRIBUTION = """
mutation CreateDataDistribution($input: CreateDataDistributionInput!) {
  createDataDistribution(input: $input) {
    dataDistribution { id code label }
    problems { code message path }
  }
}
"""
CREATE_CAMPAIGN = """
mutation CreateCampaign($input: CreateCampaignInput!) {
  createCampaign(input: $input) {
    campaign { id code label status type revision }
    problems { code message path }
  }
}
"""
START_CAMPAIGN = """
mutation StartCampaign($input: CampaignInput!) {
  startCampaign(input: $input) {
    campaign { id code label status }
    impact { orders messages }
    problems { code message path }
  }
}
"""
CREATE_PACKAGE = """
mutation CreatePackage($input: CreatePackageInput!) {
  createPackage(input: $input) {
    package { id code label status revision }
    problems { code message path }
  }
}
"""
SUBMIT_PACKAGE = """
mutation SubmitPackage($input: PackageInput!) {
  submitPackage(input: $input) {
    package { id code label status revision }
    problems { code message path }
  }
}
"""
INBOX = """
query Inbox {
  approvals(first: 100) {
    nodes {
      id deadline isLate
      subject {
        __typename
        ... on Package { id code label revision }
        ... on Order { id code label revision entity { label } }
      }
    }
  }
}
"""
DECIDE = """
mutation DecideApproval($input: DecideApprovalInput!) {
  decideApproval(input: $input) {
    approval {
      id status override
      subject {
        ... on Package { id code label packageStatus: status revision orderCounts { status count } }
        ... on Order { id code label orderStatus: status revision campaign { code label status } }
      }
    }
    problems { code message path }
  }
}
"""
CATALOGUE = """
query Catalogue {
  packages(first: 100, filter: {status: [PUBLISHED]}) {
    nodes {
      id code label viewerCanOrder registrationDeadline
      orderForm { schema }
      audience(first: 100) { nodes { id code label } }
    }
  }
}
"""
CREATE_ORDER = """
mutation CreateOrder($input: CreateOrderInput!) {
  createOrder(input: $input) {
    order { id code label status revision parameters }
    problems { code message path }
  }
}
"""
SUBMIT_ORDER = """
mutation SubmitOrder($input: OrderInput!) {
  submitOrder(input: $input) {
    order { id code label status revision }
    problems { code message path }
  }
}
"""
LISTS = """
query TargetLists($package: ID!) {
  orders(first: 10, filter: {package: [$package]}) {
    nodes {
      id code label status revision targetedContacts approvedContacts
      entity { code label }
      contacts(first: 3) { nodes { contact { id email } position kept } }
    }
  }
}
"""
DECIDE_CONTACTS = """
mutation DecideContacts($input: DecideContactsInput!) {
  decideContacts(input: $input) {
    order { id code label status revision targetedContacts approvedContacts }
    problems { code message path }
  }
}
"""
CONFIRM_TARGETS = """
mutation ConfirmTargets($input: OrderInput!) {
  confirmTargets(input: $input) {
    order { id code label status revision approvedContacts }
    problems { code message path }
  }
}
"""
REVIEWERS = """
query PackageReviewers { groups(first: 1, filter: {text: "PACKAGE-REVIEWERS"}) { nodes { id code label } } }
"""
ENTITIES = """
query MyEntities { viewer { entities(first: 1) { nodes { id code label } } } }
"""
