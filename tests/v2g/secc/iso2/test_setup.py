"""From SessionSetup to PaymentServiceSelection, and who may charge without a contract."""

from __future__ import annotations

import dataclasses

import pytest

from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.iso2.requests import DC_SETUP, rig_at
from tests.v2g.secc.rig import UNIX_S
from v2g.common.terms import EnergyMode, Payment
from v2g.secc import effects
from v2g.secc.station import Authorization


class Anything:
    """A trust that nobody asks yet."""

    def check_contract(self, chain, unix_s):
        raise AssertionError

    def contract_id(self, leaf):
        raise AssertionError

    def verify(self, signature, elements, leaf):
        raise AssertionError


CONTRACTS = dataclasses.replace(
    DC_SETUP, payments=(Payment.CONTRACT, Payment.EXTERNAL), certificate_service=True
)


@pytest.mark.spec(350)
def test_a_new_session_has_an_id_of_the_stations_own():
    rig = rig_at("WaitForSessionSetup")
    answer = rig.ask(ev.setup(), session_id=b"\x01" * 8)
    assert answer.ResponseCode == "OK_NewSessionEstablished"
    assert (answer.EVSEID, answer.EVSETimeStamp) == ("DE*ABC*E1234", UNIX_S)
    own = rig.core.session.session_id
    assert own != b"\x01" * 8
    assert own != bytes(8)
    assert rig.sent(effects.MessageSeen).message.Header.SessionID == own


@pytest.mark.spec(364)
def test_the_evccid_is_a_mac_address_in_upper_case():
    assert rig_at("WaitForServiceDiscovery").told()["evcc_id"] == "00:16:81:0A:0B:0C"


def test_discovery_names_charging_and_the_ways_to_pay():
    setup = dataclasses.replace(
        DC_SETUP,
        energy_modes=(EnergyMode.DC_UNIQUE, EnergyMode.MCS, EnergyMode.DC, EnergyMode.DC_EXTENDED),
        free_service=True,
    )
    rig = rig_at("WaitForServiceDiscovery", setup=setup)
    answer = rig.ask(ev.discovery("scope", "EVCharging"))
    assert answer.ResponseCode == "OK"
    service = answer.ChargeService
    assert (service.ServiceID, service.ServiceCategory, service.FreeService) == (1, "EVCharging", True)
    assert service.SupportedEnergyTransferMode.EnergyTransferMode == ["DC_unique", "DC_extended"]
    assert answer.PaymentOptionList.PaymentOption == ["ExternalPayment"]
    assert answer.ServiceList is None
    assert rig.told()["service_category"] == "EVCharging"
    assert rig.told()["service_scope"] == "scope"


@pytest.mark.parametrize(
    ("tls", "trust", "payments", "certificates"),
    [
        (True, Anything(), ["Contract", "ExternalPayment"], True),
        (True, None, ["ExternalPayment"], False),
        (False, Anything(), ["ExternalPayment"], False),
    ],
)
def test_contracts_need_tls_and_roots(tls, trust, payments, certificates):
    rig = rig_at("WaitForServiceDiscovery", tls=tls, trust=trust, setup=CONTRACTS)
    answer = rig.ask(ev.discovery())
    assert answer.PaymentOptionList.PaymentOption == payments
    assert (answer.ServiceList is not None) is certificates


def test_without_a_backend_there_is_no_certificate_service():
    setup = dataclasses.replace(CONTRACTS, certificate_service=False)
    rig = rig_at("WaitForServiceDiscovery", tls=True, trust=Anything(), setup=setup)
    answer = rig.ask(ev.discovery())
    assert answer.PaymentOptionList.PaymentOption == ["Contract", "ExternalPayment"]
    assert answer.ServiceList is None


@pytest.mark.parametrize(
    ("scope", "category", "found"),
    [
        (None, None, True),
        (None, "ContractCertificate", True),
        ("", "ContractCertificate", True),
        (None, "EVCharging", False),
        (None, "Internet", False),
        ("elsewhere", None, False),
    ],
)
def test_services_are_filtered_by_scope_and_category(scope, category, found):
    rig = rig_at("WaitForServiceDiscovery", tls=True, trust=Anything(), setup=CONTRACTS)
    services = rig.ask(ev.discovery(scope, category)).ServiceList
    assert (services is not None) is found
    if found:
        (service,) = services.Service
        assert (service.ServiceID, service.ServiceCategory) == (2, "ContractCertificate")


@pytest.mark.parametrize(
    "changes", [{"payments": (Payment.CONTRACT,)}, {"energy_modes": (EnergyMode.MCS, EnergyMode.AC_BPT)}]
)
def test_a_station_that_has_nothing_for_this_car_says_so(changes):
    rig = rig_at("WaitForServiceDiscovery", setup=dataclasses.replace(DC_SETUP, **changes))
    assert rig.ask(ev.discovery()).ResponseCode == "FAILED"


class TestServiceDetail:
    def test_charging_has_no_parameters(self):
        rig = rig_at("WaitForPaymentServiceSelection")
        answer = rig.ask(ev.detail(1))
        assert (answer.ResponseCode, answer.ServiceID, answer.ServiceParameterList) == ("OK", 1, None)
        assert rig.ask(ev.payment()).ResponseCode == "OK"

    def test_the_certificate_service_can_install_and_update(self):
        rig = rig_at("WaitForPaymentServiceSelection", tls=True, trust=Anything(), setup=CONTRACTS)
        answer = rig.ask(ev.detail(2))
        assert (answer.ResponseCode, answer.ServiceID) == ("OK", 2)
        found = {
            each.ParameterSetID: [(one.Name, one.stringValue) for one in each.Parameter]
            for each in answer.ServiceParameterList.ParameterSet
        }
        assert found == {1: [("Service", "Installation")], 2: [("Service", "Update")]}

    @pytest.mark.parametrize("service", [0, 2, 3, 65535])
    def test_what_is_not_on_offer(self, service):
        rig = rig_at("WaitForPaymentServiceSelection")
        answer = rig.ask(ev.detail(service))
        assert (answer.ResponseCode, answer.ServiceID) == ("FAILED_ServiceIDInvalid", service)
        assert rig.ask(ev.payment()) is None


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ev.payment("Contract"), "FAILED_PaymentSelectionInvalid"),
        (ev.payment("ExternalPayment", (2, 1)), "FAILED_NoChargeServiceSelected"),
        (ev.payment("ExternalPayment", (1, None), (2, 1)), "FAILED_ServiceSelectionInvalid"),
        (ev.payment("ExternalPayment", (1, None), (7, None)), "FAILED_ServiceSelectionInvalid"),
    ],
)
def test_a_selection_that_is_not_on_offer(request_, code):
    rig = rig_at("WaitForPaymentServiceSelection")
    assert rig.ask(request_).ResponseCode == code
    assert rig.core.deadline() == rig.now_ms + 5_000


@pytest.mark.parametrize(
    ("parameters", "code"),
    [(None, "OK"), (1, "OK"), (2, "OK"), (3, "FAILED_ServiceSelectionInvalid")],
)
def test_the_certificate_service_can_be_selected_where_it_is_offered(parameters, code):
    rig = rig_at("WaitForPaymentServiceSelection", tls=True, trust=Anything(), setup=CONTRACTS)
    assert rig.ask(ev.payment("Contract", (1, None), (2, parameters))).ResponseCode == code


class TestAuthorization:
    @pytest.mark.spec(359)
    def test_it_is_asked_for_once_and_ongoing_until_the_station_says_more(self):
        rig = rig_at("WaitForAuthorization", authorization=Authorization.ONGOING)
        assert rig.ask(ev.authorization()).EVSEProcessing == "Ongoing"
        assert rig.sent(effects.AuthorizationWanted) == effects.AuthorizationWanted(Payment.EXTERNAL)
        assert rig.ask(ev.authorization()).EVSEProcessing == "Ongoing"
        assert rig.sent(effects.AuthorizationWanted) is None
        rig.changed(authorization=Authorization.ACCEPTED)
        answer = rig.ask(ev.authorization())
        assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Finished")
        assert rig.state == "WaitForChargeParameterDiscovery"

    def test_a_rejected_customer(self):
        rig = rig_at("WaitForAuthorization", authorization=Authorization.REJECTED)
        answer = rig.ask(ev.authorization())
        assert (answer.ResponseCode, answer.EVSEProcessing) == ("FAILED", "Finished")

    def test_ongoing_ends_after_55_s(self):
        rig = rig_at("WaitForAuthorization", authorization=Authorization.ONGOING)
        for _ in range(11):
            assert rig.ask(ev.authorization()).ResponseCode == "OK"
            rig.later(5_000)
        assert rig.ask(ev.authorization()).ResponseCode == "FAILED"

    def test_waiting_for_the_customer_has_no_end(self):
        rig = rig_at("WaitForAuthorization", authorization=Authorization.ONGOING)
        rig.ask(ev.authorization())
        rig.changed(authorization=Authorization.WAITING_FOR_CUSTOMER)
        for _ in range(40):
            rig.later(5_000)
            answer = rig.ask(ev.authorization())
            assert (answer.ResponseCode, answer.EVSEProcessing) == (
                "OK",
                "Ongoing_WaitingForCustomerInteraction",
            )
        rig.changed(authorization=Authorization.ONGOING)
        assert rig.ask(ev.authorization()).ResponseCode == "OK"
