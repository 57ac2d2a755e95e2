// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/vsm.h. Do not edit.

structs! {
    vsm_gpa_answer {
        size,
        length,
        overlay,
        vtl,
        reserved,
    }
    vsm_protect_range {
        gpa,
        size,
        vtl,
        rights,
    }
    vsm_xmm_block {
        bytes,
    }
    vsm_crash {
        params,
        control,
    }
    vsm_overlay {
        gpa,
        page,
        vtl,
        vp,
        rights,
        reserved,
    }
    vsm_host_ops {
        size,
        regs_get,
        regs_set,
        xmm_get,
        xmm_set,
        switch_vtl,
        gpa_read,
        gpa_write,
        overlay_arena,
        overlay_map,
        protect,
        tlb_flush,
        kick,
        inject_event,
        interrupt,
        tsc,
        tsc_hz,
        alloc,
        free,
        log,
        crash,
        insn_decode,
        thread_id,
    }
    hv_initial_vp_context {
        rip,
        rsp,
        rflags,
        cs,
        ds,
        es,
        fs,
        gs,
        ss,
        tr,
        ldtr,
        idtr,
        gdtr,
        efer,
        cr0,
        cr3,
        cr4,
        msr_cr_pat,
    }
    hv_input_modify_vtl_protection_mask {
        target_partition_id,
        map_flags,
        target_vtl,
        reserved,
    }
    hv_input_enable_partition_vtl {
        target_partition_id,
        target_vtl,
        flags,
        reserved,
    }
    hv_input_enable_vp_vtl {
        target_partition_id,
        vp_index,
        target_vtl,
        reserved,
        vp_vtl_context,
    }
    hv_input_start_virtual_processor {
        target_partition_id,
        vp_index,
        target_vtl,
        reserved,
        vp_context,
    }
    hv_input_get_vp_registers {
        partition_id,
        vp_index,
        input_vtl,
        reserved,
    }
    hv_input_set_vp_registers {
        partition_id,
        vp_index,
        input_vtl,
        reserved,
    }
    hv_register_assoc {
        name,
        reserved1,
        reserved2,
        value,
    }
    hv_input_get_vp_index_from_apic_id {
        partition_id,
        target_vtl,
        padding,
    }
    hv_vp_set {
        format,
        valid_banks_mask,
    }
    hv_input_notify_long_spin_wait {
        spin_count,
        reserved,
    }
    hv_vp_vtl_control {
        entry_reason,
        vina_status,
        reserved1,
        reserved2,
        vtl_return_x64_rax,
        vtl_return_x64_rcx,
    }
    hv_reference_tsc_page {
        tsc_sequence,
        reserved1,
        tsc_scale,
        tsc_offset,
        reserved2,
    }
    hv_vp_assist_page {
        apic_assist,
        reserved1,
        vtl_control,
        nested_enlightenments_features,
        nested_hypercall_controls,
        enlighten_vm_entry,
        reserved2,
        current_nested_vmcs,
        synthetic_time_unhalted_timer_expired,
        reserved3,
        virtualization_fault_information,
        reserved4,
        intercept_message,
        vtl_return_actions,
        reserved5,
    }
    hv_message_header {
        message_type,
        payload_size,
        message_flags,
        reserved,
        origination_id,
    }
    hv_message {
        header,
        payload,
    }
    hv_x64_intercept_message_header {
        vp_index,
        instruction_length_cr8,
        intercept_access_type,
        execution_state,
        cs_segment,
        rip,
        rflags,
    }
    hv_x64_memory_intercept_message {
        header,
        cache_type,
        instruction_byte_count,
        memory_access_info,
        tpr_priority,
        reserved,
        guest_virtual_address,
        guest_physical_address,
        instruction_bytes,
    }
    hv_x64_msr_intercept_message {
        header,
        msr_number,
        reserved,
        rdx,
        rax,
    }
    hv_x64_register_intercept_message {
        header,
        flags,
        reserved1,
        reserved2,
        register_name,
        access_info,
    }
    hv_x64_exception_intercept_message {
        header,
        exception_vector,
        exception_info,
        instruction_byte_count,
        error_code,
        exception_parameter,
        reserved,
        instruction_bytes,
        ds_segment,
        ss_segment,
        rax,
        rcx,
        rdx,
        rbx,
        rsp,
        rbp,
        rsi,
        rdi,
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
    }
    hv_x64_io_port_intercept_message {
        header,
        port_number,
        access_info,
        instruction_byte_count,
        reserved,
        rax,
        instruction_bytes,
        ds_segment,
        es_segment,
        rcx,
        rsi,
        rdi,
    }
    hv_x64_cpuid_intercept_message {
        header,
        rax,
        rcx,
        rdx,
        rbx,
        default_result_rax,
        default_result_rcx,
        default_result_rdx,
        default_result_rbx,
    }
    hv_x64_hypercall_intercept_message {
        header,
        rax,
        rbx,
        rcx,
        rdx,
        r8,
        rsi,
        rdi,
        xmm,
        flags,
        reserved,
    }
    hv_x64_sipi_intercept_message {
        header,
        target_vp_index,
        interrupt_vector,
    }
    hv_x64_sint_deliverable_message {
        header,
        deliverable_sints,
        reserved1,
        reserved2,
    }
    hv_x64_interruption_deliverable_message {
        header,
        deliverable_type,
        reserved,
    }
    hv_x64_unrecoverable_exception_message {
        header,
    }
    hv_x64_halt_message {
        header,
    }
    hv_x64_invalid_vp_register_message {
        vp_index,
        reserved,
    }
    hv_x64_unsupported_feature_message {
        vp_index,
        feature_code,
        feature_parameter,
    }
    hv_x64_apic_eoi_message {
        vp_index,
        interrupt_vector,
    }
    hv_timer_message_payload {
        timer_index,
        reserved,
        expiration_time,
        delivery_time,
    }
    hv_register_value {
        low,
        high,
    }
    hv_segment_register {
        base,
        limit,
        selector,
        attributes,
    }
    hv_table_register {
        pad,
        limit,
        base,
    }
    vsm_hypercall_regs {
        size,
        mode,
        cpl,
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        r8,
    }
    vsm_hypercall_caps {
        size,
        privileges,
        features,
        phys_bits,
        calls,
        enabled,
        reserved,
    }
    vsm_hypercall {
        size,
        control,
        param,
        vtl_control,
        row,
        code,
        kind,
        flags,
        rep_count,
        rep_start,
        header_size,
        variable_size,
        rep_in_size,
        rep_out_size,
        input_size,
        output_size,
        output_pair,
        status,
        vector,
        reserved,
    }
    vsm_hypercall_info {
        size,
        privilege,
        code,
        kind,
        fast,
        variable,
        known,
        fixed_in,
        rep_in,
        rep_out,
        fixed_out,
        reserved,
        name,
    }
    vsm_intercept_context {
        size,
        rip,
        rflags,
        cr0,
        efer,
        cs,
        ss,
        vp_index,
        execution_state,
        vtl,
        cr8,
        instruction_length,
        access,
        reserved,
    }
    vsm_memory_intercept {
        size,
        gva,
        gpa,
        message_type,
        cache_type,
        access_info,
        tpr_priority,
        instruction_byte_count,
        reserved,
        instruction_bytes,
    }
    vsm_msr_intercept {
        size,
        rdx,
        rax,
        msr,
        reserved,
    }
    vsm_register_intercept {
        size,
        value,
        address,
        name,
        destination,
        memory_op,
        reserved,
    }
    vsm_exception_intercept {
        size,
        parameter,
        gpr,
        ds,
        error_code,
        vector,
        info,
        instruction_byte_count,
        reserved,
        instruction_bytes,
    }
    vsm_io_port_intercept {
        size,
        rax,
        rcx,
        rsi,
        rdi,
        ds,
        es,
        port,
        access_size,
        flags,
        instruction_byte_count,
        reserved,
        instruction_bytes,
    }
    vsm_cpuid_intercept {
        size,
        rax,
        rcx,
        rdx,
        rbx,
        default_rax,
        default_rcx,
        default_rdx,
        default_rbx,
    }
    vsm_hypercall_intercept {
        size,
        rax,
        rbx,
        rcx,
        rdx,
        r8,
        rsi,
        rdi,
        xmm,
        flags,
        reserved,
    }
    vsm_config {
        size,
        flags,
        host_flags,
        max_vps,
        max_vtl,
        phys_bits,
        enforceable,
        enforceable_mbec,
        hypercall_budget,
        trap_kind,
        trap_port,
        long_spin_count,
        build_number,
        version,
        emulated,
        partition_id,
        cr4_mask,
        efer_mask,
        apic_hz,
        protmap_max_bytes,
    }
    vsm_capabilities {
        size,
        flags,
        enforceable,
        accepted,
        enforceable_mbec,
        accepted_mbec,
        max_vtl,
        privileges,
        features,
        emulated,
    }
    vsm_stats {
        size,
        hypercalls,
        continuations,
        vtl_calls,
        vtl_returns,
        vtl_entries,
        intercepts,
        faults_retried,
        pages_protected,
        unenforced_execute,
        exceptions,
        host_errors,
    }
    vsm_cpuid {
        eax,
        ebx,
        ecx,
        edx,
    }
    vsm_range {
        gpa,
        size,
    }
    vsm_allocator {
        opaque,
        alloc,
        free,
    }
    vsm_register_info {
        size,
        name,
        msr,
        group,
        bytes,
        scope,
        owner,
        flags,
        min_vtl,
        reserved,
        reset,
        text,
    }
    vsm_register_limits {
        size,
        cr4_mask,
        efer_mask,
        phys_bits,
        reserved,
    }
    vsm_private_state {
        size,
        flags,
        count,
        regs,
    }
    vsm_exception {
        vector,
        has_error_code,
        has_parameter,
        reserved,
        error_code,
        parameter,
    }
    vsm_reg {
        name,
        reserved,
        value,
    }
    vsm_vp_config {
        size,
        index,
        apic_id,
        opaque,
        flags,
        reserved,
    }
    vsm_memory_fault {
        size,
        gpa,
        gva,
        flags,
        access,
        user,
        instruction_length,
        instruction_byte_count,
        instruction_bytes,
    }
    vsm_vpset {
        bank,
        all,
        reserved,
    }
}
